export { EXIT } from './io/exit-codes.js';
export { main } from './main.js';
