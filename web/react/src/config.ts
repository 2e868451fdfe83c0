/** Vite, Create React App and others replace these expressions, and only these, when they build. */
declare const process: { env: Record<string, string | undefined> };

function environmentApiUrl(): string | undefined {
  const vite = import.meta.env?.VITE_DARKROOM_API_URL as string | undefined;
  if (vite) return vite;
  try {
    return process.env.REACT_APP_API_URL;
  } catch {
    return undefined; // There is no `process` in a browser, unless the bundler replaced it.
  }
}

function environmentWebsocketUrl(): string | undefined {
  try {
    return process.env.REACT_APP_WS_URL;
  } catch {
    return undefined;
  }
}

/** A prop wins over the environment; an empty WebSocket URL means the one the service names. */
export function configured(props: {
  apiUrl?: string | undefined;
  websocketUrl?: string | undefined;
}) {
  return {
    apiUrl: props.apiUrl || environmentApiUrl() || '',
    websocketUrl: props.websocketUrl || environmentWebsocketUrl() || '',
  };
}
