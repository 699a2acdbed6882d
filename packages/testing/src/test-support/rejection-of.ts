/** What a promise rejects with; fails when it does not reject. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`expected a rejection, received ${String(value)}`);
    },
    (reason: unknown) => reason,
  );
}
