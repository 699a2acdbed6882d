import { isAtLeast } from '@leveret/core';
import type { Facts } from './facts.js';
import type { Finding } from './finding.js';

const CLOCK_MS = 5000;
const CERTIFICATE_DAYS = 30;
/** What leveret writes into parked messages is cut to fit a frame. */
const SMALL_FRAME = 65_536;

/** What is about the broker and the connection. */
export function brokerChecks(facts: Facts): readonly Finding[] {
  const { version, frameMax, alarms, clockAheadMs, certificateDays } = facts;
  const about = `RabbitMQ ${version}`;
  const findings: Finding[] = alarms.map((alarm) => ({
    check: 'alarm',
    severity: 'error',
    about: alarm,
    what: `the alarm is raised: ${alarm}`,
    why: 'the broker reads nothing from connections that publish until it ends',
    fix: 'give the node memory or disk, or let queues be emptied',
  }));
  if (!isAtLeast(version, 3, 10, true)) {
    findings.push({
      check: 'old-version',
      severity: 'warning',
      about,
      what: 'leveret is tested with RabbitMQ 3.10 and later',
      why: 'quorum queues before 3.10 neither expire messages nor dead-letter at least once: redelivery waits in classic queues',
      fix: 'upgrade the broker',
    });
  }
  if (frameMax > 0 && frameMax < SMALL_FRAME) {
    findings.push({
      check: 'small-frame',
      severity: 'warning',
      about,
      what: `frames have ${frameMax} bytes at most`,
      why: 'the headers of a message must fit into one: stack traces and other headers of parked messages are cut or left out',
      fix: 'leave frame_max at its default of 131072 on the broker, and frameMax out of the connection options',
    });
  }
  if (clockAheadMs !== undefined && Math.abs(clockAheadMs) > CLOCK_MS) {
    const seconds = Math.round(Math.abs(clockAheadMs) / 1000);
    findings.push({
      check: 'clock',
      severity: 'warning',
      about,
      what: `the broker's clock is ${seconds} s ${clockAheadMs > 0 ? 'ahead of' : 'behind'} this machine's`,
      why: 'times in headers, in x-death and of schedules do not fit together, and certificates may not be valid yet',
      fix: 'let both follow a time server',
    });
  }
  if (certificateDays !== undefined && certificateDays < CERTIFICATE_DAYS) {
    findings.push({
      check: 'certificate',
      severity: certificateDays < 3 ? 'error' : 'warning',
      about,
      what: `the certificate of the broker ends in ${Math.floor(certificateDays)} days`,
      why: 'no connection can be opened any more behind that',
      fix: 'renew it, and let the broker load it (rabbitmqctl eval "ssl:clear_pem_cache().")',
    });
  }
  return findings;
}
