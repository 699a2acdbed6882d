import { type PartEvent, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ApplicationParts } from './application-parts.js';
import { judgeHealth } from './health.js';

const connected = [{ role: 'publish', state: 'connected', blocked: false }] as never;

describe('ApplicationParts', () => {
  const events: PartEvent[] = [];
  const newParts = () => new ApplicationParts(silentLogger, { idle: false, emit: (event) => void events.push(event) });

  it('are shown in the health, which they degrade, until they have ended', () => {
    const parts = newParts();
    let concerns = ['parked messages wait for a person'];
    const host = parts.attach({ name: 'outbox relay of billing', concerns: () => concerns });
    expect(parts.health).to.deep.equal([{ name: 'outbox relay of billing', concerns }]);
    expect(judgeHealth(true, connected, [], [], undefined, parts.health, []).status).to.equal('degraded');
    concerns = [];
    expect(judgeHealth(true, connected, [], [], undefined, parts.health, []).status).to.equal('up');
    host.detach();
    expect(parts.health).to.deep.equal([]);
  });

  it('speak through the log and the events of the application', () => {
    const host = newParts().attach({ name: 'relay', concerns: () => [] });
    expect(host.logger).to.equal(silentLogger);
    host.emit({ type: 'part-recovered', part: 'relay' });
    expect(events.at(-1)).to.deep.equal({ type: 'part-recovered', part: 'relay' });
  });

  it('hear that there is a connection to publish on, until they have ended', () => {
    const parts = newParts();
    let times = 0;
    const host = parts.attach({ name: 'relay', concerns: () => [], publishable: () => void times++ });
    parts.attach({ name: 'deaf', concerns: () => [] });
    parts.publishable();
    expect(times).to.equal(1);
    host.detach();
    parts.publishable();
    expect(times).to.equal(1);
  });

  it('do not hide the health of an application by throwing', () => {
    const parts = newParts();
    parts.attach({
      name: 'relay',
      concerns: () => {
        throw new Error('broken');
      },
    });
    expect(parts.health[0]?.concerns).to.deep.equal(['it cannot say how it is: broken']);
  });
});
