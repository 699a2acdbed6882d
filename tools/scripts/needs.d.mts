/** Types of needs.mjs. */
export declare function needs(
  service: 'rabbitmq' | 'private brokers' | 'postgres' | 'mariadb' | 'redis' | 'chromium' | 'bash',
): (this: Mocha.Context) => void;
