import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type ApplicationPlan, LeveretError } from '@leveret/core';
import { readPlan } from '@leveret/operations';

const LIMIT_MS = 60_000;
const HOOK = new URL('../plan-hook.js', import.meta.url).href;

/**
 * The plan of an application: of a JSON file as `app.plan()` answers it, or of a program that is started as usual, in a process of
 * its own that ends where it would connect.
 * @throws {LeveretError} LEV_OPERATION_REFUSED when there is none to be had
 */
export async function askForPlan(file: string): Promise<ApplicationPlan> {
  if (file.endsWith('.json')) return readPlan(readJson(file), file);
  const answer = await new Promise<unknown>((resolve, reject) => {
    // What the program prints is not the result.
    const child = spawn(process.execPath, ['--import', HOOK, file], { stdio: ['ignore', 2, 2, 'ipc'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    child.once('message', (plan) => {
      clearTimeout(timer);
      child.kill();
      resolve(plan);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      const how = signal === null ? `ended with ${code}` : `was ended by ${signal}`;
      const text = `${file} ${how} and started no application of leveret before. Name the file that calls Leveret.start, or a plan in JSON.`;
      reject(new LeveretError('LEV_OPERATION_REFUSED', text));
    });
  });
  return readPlan(answer, file);
}

/** @throws {LeveretError} LEV_OPERATION_REFUSED when it cannot be read */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LeveretError('LEV_OPERATION_REFUSED', `${file} cannot be read as JSON: ${reason}`, { cause: error });
  }
}
