// The console: a page that uses the public REST API and nothing else.

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { QueryClientProvider } from "@tanstack/react-query";
import { createBrowserRouter } from "react-router";
import { RouterProvider } from "react-router/dom";
import { client } from "./api/queries";
import { App } from "./app";
import { LanguageProvider } from "./text";
import "./text/appearance";
import "./styles/base.css";
import "./styles/components.css";
import "./styles/fields.css";
import "./styles/shell.css";
import "./styles/connection.css";
import "./styles/pages.css";
import "./styles/charts.css";

// `app.tsx` has the routes.
const router = createBrowserRouter([{ path: "*", element: <App /> }], { basename: "/console" });

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <LanguageProvider>
          <RouterProvider router={router} />
        </LanguageProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}
