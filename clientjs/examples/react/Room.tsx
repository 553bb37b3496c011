/** A chat room: who is here, what was said, and a box to say something. */
import { useState } from "react";
import { useChannel, usePresence, useSockgate } from "sockgate/react";

interface Events {
  "client-said": string;
}

export function Room({ channel }: { channel: string }) {
  const { state, user } = useSockgate();
  const [lines, setLines] = useState<string[]>([]);
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const presence = usePresence(channel);
  const { room, why } = useChannel<Events>(channel, {
    "client-said": (said, { from }) => setLines((lines) => [...lines, `${from}: ${said}`]),
    gap: () => setLines((lines) => [...lines, "Some lines are missing."]),
  });

  async function say() {
    try {
      await room?.publish("client-said", text);
      setText("");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  if (why) return <p role="alert">{why.reason}</p>;
  return (
    <section>
      <p id="state">{`${state}, ${user ?? "a visitor"}`}</p>
      <p id="present">{presence ? presence.users.join(", ") : "…"}</p>
      <ol>
        {lines.map((line, number) => (
          <li key={number}>{line}</li>
        ))}
      </ol>
      <input aria-label="Say" value={text} onChange={(event) => setText(event.target.value)} />
      <button onClick={say}>Say</button>
      <p role="status">{problem}</p>
    </section>
  );
}
