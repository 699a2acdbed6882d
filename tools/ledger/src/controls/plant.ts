/** Imported first by a process that is to have bugs: `LEDGER_PLANT` names them, with commas between. */
import { register } from 'node:module';
import { PLANTS } from './plants.js';

const plants = (process.env['LEDGER_PLANT'] ?? '').split(',').map((name) => {
  const plant = PLANTS.find((each) => each.name === name);
  if (plant === undefined)
    throw new Error(`LEDGER_PLANT: expected some of ${PLANTS.map((each) => each.name).join(', ')}, received ${name}`);
  return plant;
});
const patches = plants
  .flatMap((plant) => plant.patches)
  .map((patch) => ({ ...patch, url: new URL(`../../../../packages/${patch.file}`, import.meta.url).href }));
register('./plant-hooks.js', import.meta.url, { data: { patches } });
for (const { wrapper } of plants) if (wrapper !== undefined) await import(new URL(wrapper, import.meta.url).href);
