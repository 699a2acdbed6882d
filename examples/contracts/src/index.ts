export { names, namesOf } from './names.js';
export { OrderQuery } from './order-query.js';
export { OrderStatus } from './order-status.js';
export { PayRefunded } from './pay-refunded.js';
export { PaySucceeded } from './pay-succeeded.js';
export { Payment } from './payment.js';
