import { useEffect, useState } from "react";

import { askNow, useServerStatus } from "../api/serverStatus";

/** A calm line while the server is away. Nothing on the page is lost by it. */
export function ServerBanner() {
  const gone = useServerStatus((state) => state.gone);
  return (
    <div role="status" aria-live="polite">
      {gone && <BannerText />}
    </div>
  );
}

function BannerText() {
  const nextTry = useServerStatus((state) => state.nextTry);
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = nextTry === null ? 0 : Math.max(0, Math.ceil((nextTry - now) / 1000));
  return (
    <div className="server-banner">
      <p className="min-w-0 flex-1">
        <strong>The server does not answer.</strong> What you see stays here and nothing is lost. If
        you stopped it, start it again with <code className="num">ppolab serve</code>.
      </p>
      <span className="caption num" aria-hidden="true">
        {seconds > 0 ? `trying again in ${seconds} s` : "trying…"}
      </span>
      <button type="button" className="btn" onClick={() => void askNow()}>
        Try now
      </button>
    </div>
  );
}
