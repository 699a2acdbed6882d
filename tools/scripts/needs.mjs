/**
 * `before(needs('rabbitmq'))` at the top of a describe skips it where the service is missing, and only there: the test
 * command has asked the service and says why (services.mjs). Run by mocha alone, nothing is skipped.
 */
const VARIABLES = {
  rabbitmq: 'LEVERET_SKIP_RABBITMQ',
  'private brokers': 'LEVERET_SKIP_PRIVATE_BROKERS',
  postgres: 'LEVERET_SKIP_POSTGRES',
  mariadb: 'LEVERET_SKIP_MARIADB',
  redis: 'LEVERET_SKIP_REDIS',
  chromium: 'LEVERET_SKIP_CHROMIUM',
  bash: 'LEVERET_SKIP_BASH',
};

export function needs(service) {
  const variable = VARIABLES[service];
  if (variable === undefined)
    throw new Error(`expected one of ${Object.keys(VARIABLES).join(', ')}, received ${service}`);
  return function skipWhereMissing() {
    if (process.env[variable]) this.skip();
  };
}
