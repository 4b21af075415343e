// The frame around every view, and the choice among them.
import { render } from "preact";
import { InboxView } from "./inbox";
import { NetworkView } from "./network";
import { ProposalView } from "./proposal";
import { ReceiptView } from "./receipts";
import { follow, inbox, lost, network, route, started } from "./state";

const VIEWS = [
  { path: "/network", name: "Network" },
  { path: "/proposals", name: "Proposals" },
  { path: "/receipts", name: "Receipts" },
] as const;

function Navigation() {
  const waiting = inbox.value?.proposals.filter((row) => row.group === "yours to decide").length ?? 0;
  return (
    <nav aria-label="Views">
      {VIEWS.map(({ path, name }) => (
        <a key={path} href={`#${path}`} aria-current={route.value.startsWith(path) ? "page" : undefined}>
          {name}
          {path === "/proposals" && waiting > 0 && (
            <span class="count" title={`${waiting} wait for your vote`}>
              {waiting}
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}

function Identity() {
  const known = started.value;
  if (!known) return null;
  return (
    <p class="identity">
      <span>
        service <code title={known.service}>{known.service.slice(0, 16)}</code>
      </span>
      <span>{known.signer ? `you vote as ${known.signer}` : "reading only"}</span>
    </p>
  );
}

function View() {
  const proposal = /^\/proposals\/([0-9a-zA-Z]+)$/.exec(route.value);
  if (proposal?.[1]) return <ProposalView key={proposal[1]} id={proposal[1]} />;
  if (route.value.startsWith("/proposals")) return <InboxView inbox={inbox.value} />;
  if (route.value.startsWith("/receipts")) return <ReceiptView />;
  return <NetworkView network={network.value} />;
}

function Page() {
  return (
    <>
      <header>
        <a class="name" href="#/network">
          ccfpy <b>console</b>
        </a>
        <Navigation />
        <Identity />
      </header>
      <main tabIndex={-1}>
        {lost.value && (
          <p class="bad banner" role="alert">
            {lost.value} What is shown may be out of date.
          </p>
        )}
        <View />
      </main>
    </>
  );
}

const page = document.getElementById("page");
if (page) {
  page.replaceChildren();
  render(<Page />, page);
  void follow();
}
