import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { connect, type Client } from "sockgate";
import { SockgateProvider, useSockgate } from "sockgate/react";

interface News {
  title: string;
}

interface Events {
  news: News;
}

const options = new URLSearchParams(location.hash.slice(1));
const rt: Client<Events> = connect<Events>({
  url: options.get("url") ?? "",
  token: options.get("token"),
  tokenUrl: null,
});

function Page() {
  const { state } = useSockgate();
  const [title, setTitle] = useState("");
  useEffect(() => {
    return rt.listen("news", (news) => setTitle(news.title));
  }, []);
  return (
    <>
      <p id="state">{state}</p>
      <p id="news">{title}</p>
    </>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <SockgateProvider client={rt}>
      <Page />
    </SockgateProvider>
  </StrictMode>,
);
