/**
 * Places as near to the wanted ones as can be (least squares), in the same order and at least `step` apart. Those that would come too
 * near to each other are moved together, as one block.
 */
export function spread(wanted: readonly number[], step: number): readonly number[] {
  const blocks: { mean: number; size: number }[] = [];
  for (const [index, value] of wanted.entries()) {
    let block = { mean: value - index * step, size: 1 };
    for (let last = blocks.at(-1); last !== undefined && last.mean > block.mean; last = blocks.at(-1)) {
      blocks.pop();
      const size = last.size + block.size;
      block = { mean: (last.mean * last.size + block.mean * block.size) / size, size };
    }
    blocks.push(block);
  }
  return blocks.flatMap(({ mean, size }) => Array<number>(size).fill(mean)).map((value, index) => value + index * step);
}
