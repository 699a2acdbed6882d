#!/usr/bin/env node
// Stands in the repository, so that a link to it can be made before anything is built.
import { main } from '../dist/index.js';

process.exitCode = await main(process.argv.slice(2));
