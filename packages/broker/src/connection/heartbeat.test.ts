import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Heartbeat } from './heartbeat.js';

/** Runs a heartbeat of 10 ms until the peer counts as silent, and tells how many were sent. */
function runUntilSilent(onBeat: (heartbeat: Heartbeat, count: number) => void): Promise<number> {
  return new Promise((resolve) => {
    let sent = 0;
    const heartbeat: Heartbeat = new Heartbeat(0.02, {
      sendHeartbeat: () => onBeat(heartbeat, ++sent),
      peerIsSilent: () => resolve(sent),
    });
  });
}

describe('Heartbeat', () => {
  it('beats every half interval, and gives the peer up after three intervals', async () => {
    expect(await runUntilSilent(() => {})).to.equal(5);
  });

  it('counts from the last byte that came', async () => {
    const sent = await runUntilSilent((heartbeat, count) => {
      if (count === 4) heartbeat.received = true;
    });
    expect(sent).to.equal(10);
  });

  it('leaves a peer alone whose input is not read on purpose', async () => {
    const sent = await runUntilSilent((heartbeat, count) => {
      heartbeat.paused = count < 8;
    });
    expect(sent).to.be.greaterThan(8);
  });

  it('does not beat after other bytes were sent', async () => {
    let beats = 0;
    await new Promise<void>((resolve) => {
      const heartbeat: Heartbeat = new Heartbeat(0.02, {
        sendHeartbeat: () => {
          beats++;
        },
        peerIsSilent: () => resolve(),
      });
      heartbeat.sent = true;
    });
    expect(beats).to.equal(4);
  });
});
