/** How a peer without validation of its own gets a class: by hand, in the handler. */
export async function readerOf(kind) {
  if (kind === 'bytes' || kind === 'json') return (payload) => payload;
  await import('reflect-metadata');
  const { makeShapes } = await import('../lib/shapes.mjs');
  const transformer = await import('class-transformer');
  const validator = await import('class-validator');
  const type = makeShapes(transformer, validator)[kind];
  return async (plain) => {
    const payload = transformer.plainToInstance(type, plain);
    await validator.validateOrReject(payload);
    return payload;
  };
}
