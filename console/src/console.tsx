// The frame around every view, and the choice among them.
import { effect } from "@preact/signals";
import { render } from "preact";
import { AppView, ModuleView } from "./app";
import { InboxView, YOURS, asMember } from "./inbox";
import { KeyView } from "./keys";
import { LedgerView } from "./ledger";
import { NetworkView } from "./network";
import { ProposalView } from "./proposal";
import { ReceiptView } from "./receipts";
import { RecoveryView } from "./recovery";
import { recall, signer } from "./signer";
import { focusHeading, follow, inbox, ledger, lost, network, recovery, route, started } from "./state";

interface Choice {
  readonly path: string;
  readonly name: string;
  /** Whether this console has what the view shows. */
  readonly isThere: boolean;
}

function views(): readonly Choice[] {
  const hasService = started.value?.service !== null;
  return [
    { path: "/network", name: "Network", isThere: hasService },
    { path: "/proposals", name: "Proposals", isThere: hasService },
    { path: "/app", name: "App", isThere: hasService },
    { path: "/ledger", name: "Ledger", isThere: started.value?.has_ledger === true },
    { path: "/receipts", name: "Receipts", isThere: hasService },
    { path: "/recovery", name: "Recovery", isThere: hasService || started.value?.has_lost === true },
    { path: "/key", name: "Your key", isThere: hasService },
  ].filter((choice) => choice.isThere);
}

/** The view that is asked for, or the first there is. */
const place = (): string => (route.value === "/" ? (views()[0]?.path ?? "/network") : route.value);

function Navigation() {
  const by = signer.value;
  const waiting = inbox.value && by ? asMember(inbox.value, by.id).proposals.filter((row) => row.group === YOURS).length : 0;
  return (
    <nav aria-label="Views">
      {views().map(({ path, name }) => (
        <a key={path} href={`#${path}`} aria-current={place().startsWith(path) ? "page" : undefined}>
          <span class="label" data-name={name}>
            {name}
          </span>
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
  const by = signer.value;
  if (!known) return null;
  return (
    <p class="identity">
      {known.service && (
        <span>
          service <code title={known.service}>{known.service.slice(0, 16)}</code>
        </span>
      )}
      <span>{by ? `you vote as ${by.name}` : known.caller ? `you call as ${known.caller}` : "reading only"}</span>
    </p>
  );
}

function View() {
  // What is sent or remembered from a view is for the service that this says.
  if (!started.value) return <p>Asking the console …</p>;
  const shown = place();
  const proposal = /^\/proposals\/([0-9a-zA-Z]+)$/.exec(shown);
  if (proposal?.[1]) return <ProposalView key={proposal[1]} id={proposal[1]} />;
  const module = /^\/app\/module\/(.+)$/.exec(shown);
  if (module?.[1]) return <ModuleView key={module[1]} name={decodeURIComponent(module[1])} />;
  if (shown.startsWith("/app")) return <AppView />;
  if (shown.startsWith("/proposals")) return <InboxView inbox={inbox.value} />;
  if (shown.startsWith("/key")) return <KeyView />;
  if (shown.startsWith("/receipts")) return <ReceiptView />;
  if (shown.startsWith("/recovery")) return <RecoveryView recovery={recovery.value} />;
  if (shown.startsWith("/ledger")) return <LedgerView ledger={ledger.value} route={shown} />;
  return <NetworkView network={network.value} />;
}

function Page() {
  // A page within a view names the view itself.
  const named = views().find(({ path }) => path === place())?.name;
  return (
    <>
      <header>
        <a
          class="skip"
          href={`#${route.value}`}
          onClick={(event) => {
            event.preventDefault();
            focusHeading();
          }}
        >
          Skip to the page
        </a>
        <a class="name" href="#/">
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
        {named && <p class="page">{named}</p>}
        <View />
      </main>
    </>
  );
}

const page = document.getElementById("page");
if (page) {
  page.replaceChildren();
  render(<Page />, page);
  effect(() => {
    if (started.value?.service) void recall();
  });
  void follow();
}
