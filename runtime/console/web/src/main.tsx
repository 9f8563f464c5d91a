// The console: a page that uses the public REST API and nothing else.

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { QueryClientProvider } from "@tanstack/react-query";
import { BrowserRouter } from "react-router";
import { client } from "./api/queries";
import { App } from "./app";
import { Speaking } from "./text";
import "./text/appearance";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/pages.css";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <Speaking>
          <BrowserRouter basename="/console">
            <App />
          </BrowserRouter>
        </Speaking>
      </QueryClientProvider>
    </StrictMode>,
  );
}
