// The local server's doors, as functions. Every failure is a `Failure` that can say
// what happened in both languages.

/** What a door answered instead of what was asked for. */
export class Failure extends Error {
  constructor(status, ja, en) {
    super(en);
    this.status = status;
    this.text = { ja, en };
  }
}

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
    });
  } catch {
    throw new Failure(0, 'サーバーにつながりませんでした。', 'The server could not be reached.');
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok || answer === null) {
    const fallback = `HTTP ${response.status}`;
    throw new Failure(response.status, answer?.title ?? fallback, answer?.detail ?? answer?.title ?? fallback);
  }
  return answer;
}

export const api = {
  view: () => call('GET', '/simulator/view'),
  chat: (user) => call('GET', `/simulator/chat?user=${encodeURIComponent(user)}`),
  addFriend: (channel, name) => call('POST', '/simulator/friends', { channel, name }),
  act: (user, act, details = {}) => call('POST', '/simulator/act', { user_id: user, act, ...details }),
  advance: (period) => call('POST', '/simulator/clock', { advance: period }),
  resetClock: () => call('DELETE', '/simulator/clock'),
  sweep: () => call('POST', '/simulator/sweep', { dry_run: false }),
  open: (request) => call('POST', '/simulator/open', request),
  line: () => call('GET', '/simulator/line'),
  setLine: (behaviour) => call('POST', '/simulator/line', behaviour),
};
