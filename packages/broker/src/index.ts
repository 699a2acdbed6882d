export { Broker } from './broker.js';
export type { BrokerOptions, PermissionOptions, RefusedClient, UserOptions } from './broker-options.js';
export type { Duration } from './clock/duration.js';
export { VirtualClock, type VirtualClockOptions } from './clock/virtual-clock.js';
export { Faults, type FrameDirection } from './control/faults.js';
export type { FieldView } from './control/field-view.js';
export type {
  BindingView,
  ChannelView,
  ConnectionView,
  ExchangeView,
  MessageView,
  PropertiesView,
  QueueView,
} from './control/inspection.js';
export type { BrokerVersion } from './version/version-profile.js';
