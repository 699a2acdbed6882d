/** A logger that keeps what an operator would see at the usual level. */
export class LogLines {
  readonly #lines: string[] = [];
  readonly info = (fields: object, text: string): void => {
    const shown = JSON.stringify(fields, (_key, value) => (value instanceof Error ? value.message : value));
    this.#lines.push(`${text} ${shown}`);
  };
  readonly warn = this.info;
  readonly error = this.info;
  readonly debug = (): void => undefined;

  get count(): number {
    return this.#lines.length;
  }

  /** Lines from the given one on. */
  since(line: number): readonly string[] {
    return this.#lines.slice(line);
  }

  /** Whether a line from the given one on names something, in its text or its fields. */
  names(what: string, from: number): boolean {
    return this.since(from).some((line) => line.includes(what));
  }
}
