const COLOURS = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

/** How a line is to be seen. */
export type Colour = keyof typeof COLOURS;

const coloured = process.stdout.isTTY === true && !process.env['NO_COLOR'];

/** The text in a colour, on a terminal that wants colours. */
export function paint(colour: Colour, text: string): string {
  return coloured ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
}

/** When the scene began whose steps are told. */
let began = performance.now();

/** Heading of the next message. */
export function heading(text: string): void {
  began = performance.now();
  console.log(`\n${paint('bold', text)}`);
}

/** One thing that happened: who did it, and what; and how long after the beginning of its scene. */
export function step(who: string, what: string, colour?: Colour): void {
  const after = who === '' ? '' : paint('dim', `  ~${Math.round(performance.now() - began)} ms`);
  console.log(`  ${paint('dim', who.padEnd(9))} ${colour === undefined ? what : paint(colour, what)}${after}`);
}

/** Who speaks in the scenes, and what the colours mean. */
export function legend(): void {
  const who = {
    publisher: 'sends messages',
    broker: 'RabbitMQ, or the embedded one',
    consumer: 'gets them from a queue',
    handler: 'your method',
    leveret: 'what it decides around your method',
    promise: 'what a publish comes to',
    person: 'you, or somebody at a desk',
  };
  heading('Who is who');
  for (const [name, what] of Object.entries(who)) console.log(`  ${paint('dim', name.padEnd(9))} ${what}`);
  const colours = [
    paint('green', 'well'),
    paint('yellow', 'trouble'),
    paint('red', 'given up'),
    paint('cyan', 'confirmed by the broker'),
  ];
  console.log(`  ${colours.join(', ')}; ~ is the time since the scene began; | is the code behind it`);
}
