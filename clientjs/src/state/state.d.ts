/** Types of `sockgate/state`. */
import type { LoadStateOptions, StateRequest, Subscription } from "../sockgate.js";

export type { LoadStateOptions, StateRequest };

/** `room.loadState(load, apply, options)`, also for the subscriptions of the script. */
export declare function loadState<State>(
  room: Subscription<any>,
  load: (request: StateRequest) => State | PromiseLike<State>,
  apply: (state: State) => void,
  options?: LoadStateOptions<State>
): () => void;

export as namespace SockgateState;
