// The console: a page that uses the public REST API and nothing else.

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { QueryClientProvider } from "@tanstack/react-query";
import { createBrowserRouter } from "react-router";
import { RouterProvider } from "react-router/dom";
import { client } from "./api/queries";
import { App } from "./app";
import { PageFailed } from "./components/error-boundary";
import { LanguageProvider } from "./text";
import "./text/appearance";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/buttons.css";
import "./styles/notices.css";
import "./styles/dialogs.css";
import "./styles/tables.css";
import "./styles/fields.css";
import "./styles/shell.css";
import "./styles/connection.css";
import "./styles/trace.css";
import "./styles/sign-in.css";
import "./styles/cards.css";
import "./styles/messages.css";
import "./styles/ingress.css";
import "./styles/policy.css";
import "./styles/phone.css";
import "./styles/overview.css";
import "./styles/versions.css";
import "./styles/charts.css";

// `app.tsx` has the routes.
const router = createBrowserRouter([{ path: "*", element: <App />, errorElement: <PageFailed /> }], { basename: "/console" });

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
