import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { queryClient } from "./api/queries";
import { useServerStatus } from "./api/serverStatus";
import { followSystemTheme } from "./app/theme";
import { router } from "./router";
import { retryAllNow, setAllSeen } from "./runs/feeds";
import "./styles/app.css";

followSystemTheme();
// A server that was gone may have changed in the meantime.
useServerStatus.subscribe((now, before) => {
  if (now.returns === before.returns) return;
  void queryClient.invalidateQueries();
  retryAllNow();
});
// A hidden tab needs fewer frames.
document.addEventListener("visibilitychange", () => setAllSeen(!document.hidden));

const root = document.getElementById("root");
if (!root) throw new Error("index.html lacks the element #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
