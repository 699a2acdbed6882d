const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const SPANS: readonly (readonly [fromMs: number, unitMs: number, unit: string])[] = [
  [DAY, DAY, 'd'],
  [HOUR, HOUR, 'h'],
  [MINUTE, MINUTE, 'min'],
  [0, SECOND, 's'],
];

/** How long, in its largest whole unit: `0 s`, `59 s`, `3 min`, `5 h`, `12 d`. */
export function spanText(ms: number): string {
  const whole = Math.max(0, ms);
  for (const [from, unitMs, unit] of SPANS) if (whole >= from) return `${Math.floor(whole / unitMs)} ${unit}`;
  return '0 s';
}

/** How long, as exact as a person wants it: `12 ms`, `1.4 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function durationText(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < MINUTE) return `${Number((ms / SECOND).toFixed(1))} s`;
  if (ms < HOUR) return twoUnits(ms, MINUTE, 'min', SECOND, 's');
  return ms < DAY ? twoUnits(ms, HOUR, 'h', MINUTE, 'min') : twoUnits(ms, DAY, 'd', HOUR, 'h');
}

function twoUnits(ms: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((ms % large) / small);
  const whole = `${Math.floor(ms / large)} ${largeUnit}`;
  return rest === 0 ? whole : `${whole} ${rest} ${smallUnit}`;
}

/** `5 min ago`, `in 3 h`, `now`. */
export function relativeText(at: number, now: number): string {
  const distance = at - now;
  if (Math.abs(distance) < SECOND) return 'now';
  return distance < 0 ? `${spanText(-distance)} ago` : `in ${spanText(distance)}`;
}

/** The exact time, in UTC: `2026-11-27 10:04:11.250 UTC`. */
export function exactText(at: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return 'no time';
  return `${date.toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}

/** What is left of a countdown: `4:58`, `1:02:03`. */
export function countdownText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / SECOND));
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** When something runs, for people: `every 86400000 ms` is `every 1 d`; another rule is as it is. */
export function ruleText(rule: string): string {
  const every = /^every (\d+) ms$/.exec(rule)?.[1];
  return every === undefined ? rule : `every ${durationText(Number(every))}`;
}
