// XState plays the process of benchmarks/counting.py. Each line of standard input is "how many"; the answer is the
// seconds it took and the number that was counted last.
//   node xstate.mjs FOLDER transition   FOLDER has XState in its node_modules; the pure function
//   node xstate.mjs FOLDER actor        an actor that is sent the events
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [folder, way] = process.argv.slice(2);
const { assign, createActor, createMachine, initialTransition, transition } = createRequire(`${folder}/`)('xstate');

const LIMIT = 1_000_000;

const machine = createMachine({
  initial: 'initial',
  context: { count: {} },
  states: {
    initial: {
      on: {
        count: [
          {
            guard: ({ event }) => event.actor === 'user' && event.data.n < LIMIT,
            target: 'initial',
            reenter: true,
            actions: assign(({ context, event }) => ({ count: { ...context.count, ...event.data } })),
          },
          { target: 'failed' },
        ],
        stop: 'success',
      },
    },
    success: { type: 'final' },
    failed: { type: 'final' },
  },
});

const WAYS = {
  transition(events) {
    let [state] = initialTransition(machine);
    for (const event of events) [state] = transition(machine, state, event);
    return state;
  },
  actor(events) {
    const actor = createActor(machine).start();
    for (const event of events) actor.send(event);
    return actor.getSnapshot();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const text = 'x'.repeat(120);
  const events = Array.from({ length: Number(line) }, (_, n) => ({ type: 'count', actor: 'user', data: { n, text } }));
  const begin = process.hrtime.bigint();
  const state = WAYS[way](events);
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  if (state.value !== 'initial') throw new Error(`it ended in ${state.value}`);
  console.log(seconds, state.context.count.n);
}
