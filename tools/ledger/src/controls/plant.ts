/** Imported first by a process that is to have a bug: `LEDGER_PLANT` names it. */
import { register } from 'node:module';
import { PLANTS } from './plants.js';

const name = process.env['LEDGER_PLANT'];
const plant = PLANTS.find((each) => each.name === name);
if (plant === undefined)
  throw new Error(`LEDGER_PLANT: expected one of ${PLANTS.map((each) => each.name).join(', ')}, received ${name}`);
const patches = plant.patches.map((patch) => ({
  ...patch,
  url: new URL(`../../../../packages/${patch.file}`, import.meta.url).href,
}));
register('./plant-hooks.js', import.meta.url, { data: { patches } });
if (plant.wrapper !== undefined) await import(new URL(plant.wrapper, import.meta.url).href);
