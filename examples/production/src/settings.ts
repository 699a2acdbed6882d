/** What the environment says. Everything that is missing is told at once. */
export function readSettings(env: NodeJS.ProcessEnv) {
  const missing: string[] = [];
  const required = (name: string) => {
    const value = env[name];
    if (value === undefined || value === '') missing.push(name);
    return value ?? '';
  };
  const settings = {
    amqpUrl: required('AMQP_URL'),
    databaseUrl: required('DATABASE_URL'),
    redisUrl: required('REDIS_URL'),
    /** In front of every key, where several systems share a Redis. */
    redisPrefix: env['REDIS_PREFIX'] ?? 'leveret:',
    port: Number(env['PORT'] ?? 8080),
    logLevel: env['LOG_LEVEL'] ?? 'info',
  };
  if (missing.length > 0) throw new Error(`expected ${missing.join(', ')} in the environment`);
  return settings;
}
