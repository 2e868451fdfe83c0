import { WebSocket as NodeSocket } from 'ws';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Darkroom, RefusedError } from '../src/index.ts';
import type { FollowEvent, FollowOptions } from '../src/index.ts';
import { problem, Service, TOKEN } from './service.ts';

let service: Service;
beforeEach(async () => void (service = await Service.start()));
afterEach(() => service.stop());

const QUICK = {
  poll: 30,
  quiet: 150,
  reconnect: 60,
  reconnectMost: 60,
  openWithin: 300,
  stalled: 5_000,
  ping: 40,
};

/** Every event, and what to do at each. */
async function follow(
  onEvent: (event: FollowEvent) => void,
  options: FollowOptions = {},
  socket = service.socketUrl,
) {
  const job = new Darkroom({ apiUrl: service.url }).job({
    jobId: 'job1',
    token: TOKEN,
    websocketUrl: socket,
  });
  const events: FollowEvent[] = [];
  const WebSocket = NodeSocket as unknown as typeof globalThis.WebSocket;
  for await (const event of job.follow({
    WebSocket,
    ...options,
    pace: { ...QUICK, ...options.pace },
  })) {
    events.push(event);
    onEvent(event);
  }
  return events;
}

const sequences = (events: FollowEvent[]) =>
  events.flatMap((event) => (event.type === 'progress' ? [event.document.sequence] : []));
const connections = (events: FollowEvent[]) =>
  events.flatMap((event) => (event.type === 'connection' ? [event.connection] : []));
const polls = () => service.routes('GET /jobs/job1');

it('hears over the WebSocket alone, without a poll', async () => {
  service.names = ['a.jpg'];
  const events = await follow((event) => {
    if (event.type === 'progress' && event.document.sequence === 1) service.finish();
  });
  expect(sequences(events)).toEqual([1, 2]);
  expect(connections(events)).toEqual(['websocket']);
  expect(polls()).toBe(0);
});

it('drops documents that are older, repeated or of another job', async () => {
  service.names = ['a.jpg'];
  const events = await follow((event) => {
    if (event.type !== 'progress' || event.document.sequence !== 1) return;
    service.move({ sequence: 7 });
    service.send(service.progress({ sequence: 3 }));
    service.send(service.progress({ sequence: 99, job_id: 'another' }));
    service.send('no document');
    service.send(service.document);
    service.finish();
  });
  expect(sequences(events)).toEqual([1, 7, 8]);
});

it('polls where the WebSocket is refused', async () => {
  service.refuseSocket = true;
  service.names = ['a.jpg'];
  setTimeout(() => service.finish(), 150);
  const events = await follow(() => undefined);
  expect(sequences(events)).toEqual([1, 2]);
  expect(connections(events)).toEqual(['polling']);
  expect(events.every((event) => event.type !== 'progress' || event.via === 'polling')).toBe(true);
});

it('polls where the URL is not one of a WebSocket, and where there is none', async () => {
  service.names = ['a.jpg'];
  service.finish();
  expect(connections(await follow(() => undefined, {}, 'not a url'))).toEqual(['polling']);
  expect(connections(await follow(() => undefined, {}, ''))).toEqual(['polling']);
});

it('polls while the WebSocket is gone, and goes back to it', async () => {
  service.names = ['a.jpg'];
  let cut = false;
  const events = await follow((event) => {
    if (event.type === 'connection' && event.connection === 'websocket') {
      if (cut) return service.finish();
      cut = true;
      service.refuseSocket = true;
      service.drop();
    }
    if (event.type === 'connection' && event.connection === 'polling') service.refuseSocket = false;
  });
  expect(connections(events)).toEqual(['websocket', 'polling', 'websocket']);
  expect(sequences(events).at(-1)).toBe(2);
});

it('polls when the WebSocket is open but silent', async () => {
  service.frozen = true;
  service.names = ['a.jpg'];
  const events = await follow((event) => {
    if (event.type === 'connection')
      service.document = { ...service.progress({ status: 'failed' }), sequence: 5 };
  });
  expect(connections(events)).toEqual(['websocket']);
  expect(events.at(-1)).toMatchObject({ type: 'progress', via: 'polling' });
});

it('says that nothing moves, and goes on waiting', async () => {
  service.names = ['a.jpg'];
  let stalls = 0;
  const events = await follow(
    (event) => {
      if (event.type === 'stalled' && ++stalls === 2) service.finish();
    },
    { pace: { stalled: 200 } },
  );
  expect(stalls).toBe(2);
  expect(sequences(events)).toEqual([1, 2]);
});

it('says that there is no connection, and why, until there is one', async () => {
  service.refuseSocket = true;
  service.names = ['a.jpg'];
  service.finish();
  service.next.set('GET /jobs/job1', [
    { status: 503 },
    { status: 200, body: '<html>Log in to this network</html>' },
  ]);
  const events = await follow(() => undefined);
  expect(connections(events)).toEqual(['none', 'polling']);
  expect(events[0]).toMatchObject({ error: { status: 503 } });
});

it('does not poll before Retry-After', async () => {
  service.names = ['a.jpg'];
  service.finish();
  service.next.set('GET /jobs/job1', [{ status: 429, headers: { 'Retry-After': '1' } }]);
  const begun = Date.now();
  await follow(() => undefined, {}, '');
  expect(Date.now() - begun).toBeGreaterThanOrEqual(990);
});

it('ends with the refusal when the job is gone', async () => {
  service.next.set('GET /jobs/job1', [problem(404, 'unknown_job', 'There is no such job.')]);
  await expect(follow(() => undefined, {}, '')).rejects.toBeInstanceOf(RefusedError);
});

it('stops at once when it is aborted, and closes the WebSocket', async () => {
  const controller = new AbortController();
  const following = follow(() => controller.abort(), { signal: controller.signal });
  await expect(following).rejects.toMatchObject({ name: 'AbortError' });
  await expect.poll(() => service.connections.size).toBe(0);
});

it('closes the WebSocket when the caller stops listening', async () => {
  const job = new Darkroom({ apiUrl: service.url }).job({
    jobId: 'job1',
    token: TOKEN,
    websocketUrl: service.socketUrl,
  });
  const WebSocket = NodeSocket as unknown as typeof globalThis.WebSocket;
  for await (const event of job.follow({ WebSocket, pace: QUICK })) {
    if (event.type === 'progress') break;
  }
  await expect.poll(() => service.connections.size).toBe(0);
});

it('goes on until a cancelled job has its ZIP', async () => {
  service.document = service.progress({
    status: 'cancelled',
    progress: { processed: 1, total: 2, percentage: 50 },
  });
  const events = await follow((event) => {
    if (event.type !== 'progress') return;
    if (event.document.sequence === 1) service.move({ archive: { status: 'building' } });
    if (event.document.sequence === 2) service.move({ archive: { status: 'ready' } });
  });
  expect(sequences(events)).toEqual([1, 2, 3]);
});
