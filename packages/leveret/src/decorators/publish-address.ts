/** Options of `@PublishTo`. */
export interface PublishToOptions {
  /**
   * The `type` property of the messages, such as `pay.succeeded`. A `@Handler` of the class takes it without naming it again.
   * Default: none, so that no name of a class leaves the process.
   */
  readonly type?: string;
}

/** Where instances of a class are published, and as what. */
export interface PublishAddress extends PublishToOptions {
  readonly exchange: string;
  readonly routingKey: string | ((payload: never) => string);
}
