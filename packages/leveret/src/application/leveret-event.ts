import type { ConnectionEvent, DeliveryEvent, ListenerEvent, PartEvent, PublishEvent } from '@leveret/core';

import type { ScheduleEvent } from '../schedule/schedule-event.js';
import type { StandstillEvent } from './standstill-watch.js';

/** What happened to the application as a whole. */
export type ApplicationEvent =
  | { readonly type: 'started'; readonly durationMs: number }
  | { readonly type: 'closing' }
  /** `abandoned` handlers were still at work when the time was up; their messages are delivered again. */
  | { readonly type: 'closed'; readonly abandoned: number };

/** Everything that can be watched: of connections, listeners, single deliveries and publishes, schedules, relays, standstills, and the application. */
export type LeveretEvent =
  | ConnectionEvent
  | ListenerEvent
  | DeliveryEvent
  | PublishEvent
  | ScheduleEvent
  | PartEvent
  | StandstillEvent
  | ApplicationEvent;
