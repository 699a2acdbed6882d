/** What a promise rejects with. */
export function rejection(work: Promise<unknown>): Promise<Error> {
  return work.then(
    (value) => {
      throw new Error(`expected a rejection, received ${String(value)}`);
    },
    (error: Error) => error,
  );
}
