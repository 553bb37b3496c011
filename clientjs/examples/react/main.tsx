import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "sockgate";
import { SockgateProvider } from "sockgate/react";

import { Room } from "./Room";

const rt = connect();

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <SockgateProvider client={rt}>
      <Room channel="room:lobby" />
    </SockgateProvider>
  </StrictMode>,
);
