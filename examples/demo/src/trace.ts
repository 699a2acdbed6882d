const COLOURS = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

/** How a line is to be seen. */
export type Colour = keyof typeof COLOURS;

const coloured = process.stdout.isTTY === true && !process.env['NO_COLOR'];

/** The text in a colour, on a terminal that wants colours. */
export function paint(colour: Colour, text: string): string {
  return coloured ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
}

/** Heading of the next message. */
export function heading(text: string): void {
  console.log(`\n${paint('bold', text)}`);
}

/** One thing that happened: who did it, and what. */
export function step(who: string, what: string, colour?: Colour): void {
  console.log(`  ${paint('dim', who.padEnd(9))} ${colour === undefined ? what : paint(colour, what)}`);
}
