// The page imports it from here.
export * from './contract/contract.js';
