export { LeveretTesting, LeveretTestingModule, type LeveretTestingOptions } from './testing/leveret-testing.module.js';
