// A recovery, for operators and members; and what is left of a lost service.
import { useRef } from "preact/hooks";
import type {
  LostView,
  RecoveringNode,
  RecoveryStep,
  RecoveryView as Recovery,
  ReportLine,
  ServiceReport,
} from "./answers";
import { Act } from "./handing";
import { Identities } from "./identities";
import { signer } from "./signer";
import { left, started } from "./state";
import { short } from "./words";

const MARKS: Readonly<Record<string, string>> = { done: "✓", now: "▶", later: "·" };

function Steps({ steps }: { steps: readonly RecoveryStep[] }) {
  return (
    <ol class="stages" aria-label="Steps">
      {steps.map((step) => (
        <li key={step.name} class={step.standing} aria-current={step.standing === "now" ? "step" : undefined}>
          <span aria-hidden="true">{MARKS[step.standing]}</span>
          <div>
            <b>{step.name}</b> <span class="faint">{step.standing}</span>
            <p>{step.text}</p>
          </div>
        </li>
      ))}
    </ol>
  );
}

function NodeLine({ node }: { node: RecoveringNode }) {
  return (
    <li>
      <code title={node.id}>{short(node.id)}</code> {node.address}: {node.text}
      {node.recovered !== null && node.target !== null && (
        <progress aria-label={`read by ${short(node.id)}`} max={node.target} value={node.recovered} />
      )}
    </li>
  );
}

function Members({ recovery }: { recovery: Recovery }) {
  if (recovery.members.length === 0) return null;
  return (
    <div class="wide">
      <table>
        <caption>Members</caption>
        <thead>
          <tr>
            <th scope="col">member</th>
            {recovery.is_recovering && <th scope="col">next</th>}
            {recovery.proposal && <th scope="col">vote</th>}
            {recovery.awaits_shares && <th scope="col">share</th>}
            <th scope="col">holds</th>
            <th scope="col">status</th>
          </tr>
        </thead>
        <tbody>
          {recovery.members.map((member) => (
            <tr key={member.id}>
              <th scope="row">
                <span title={member.id}>{member.name}</span>
                {member.id === signer.value?.id && <small> you</small>}
              </th>
              {recovery.is_recovering && <td data-label="next">{member.next}</td>}
              {recovery.proposal && <td data-label="vote">{member.has_voted ? "✓ voted" : "–"}</td>}
              {recovery.awaits_shares && <td data-label="share">{member.has_handed_in ? "✓ handed in" : "–"}</td>}
              <td data-label="holds">{member.holds}</td>
              <td data-label="status">{member.status}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Nodes({ nodes }: { nodes: readonly RecoveringNode[] }) {
  return (
    <section aria-label="Nodes">
      <h2>Nodes</h2>
      <ul class="items">
        {nodes.map((node) => (
          <NodeLine key={node.id} node={node} />
        ))}
      </ul>
    </section>
  );
}

function Next({ recovery }: { recovery: Recovery }) {
  return (
    <section aria-label="Next">
      <h2>Next</h2>
      <dl class="rows">
        {recovery.operator && (
          <div class="depth0">
            <dt>operator</dt>
            <dd>{recovery.operator}</dd>
          </div>
        )}
        {recovery.you && (
          <div class="depth0">
            <dt>you, {started.value?.signer}</dt>
            <dd>{recovery.you}</dd>
          </div>
        )}
      </dl>
      {recovery.proposal && (
        <p>
          <a href={`#/proposals/${recovery.proposal}`}>
            Read and vote on proposal <code title={recovery.proposal}>{short(recovery.proposal)}</code>
          </a>
        </p>
      )}
      <Act recovery={recovery} />
    </section>
  );
}

function Compared({ recovery }: { recovery: Recovery }) {
  if (recovery.old_identity === null) return null;
  return (
    <>
      <h2>
        Old and new identity <small>SHA-256 of the certificates</small>
      </h2>
      <Identities previous={recovery.old_identity} next={recovery.new_identity} />
      {recovery.is_as_proposed === true && <p class="good">✓ The open proposal names these two.</p>}
      {recovery.is_as_proposed === false && (
        <p class="bad banner" role="alert">
          The open proposal names other certificates than these. Do not vote for it before you know why.
        </p>
      )}
    </>
  );
}

export function RecoveryView({ recovery }: { recovery: Recovery | null }) {
  const hasLost = started.value?.has_lost === true;
  const trouble = recovery?.trouble ?? "";
  // A lost service does not answer: what is left of it is then all there is to see.
  const isLostFirst = hasLost && (started.value?.service === null || trouble !== "");
  const known = useRef<Recovery | null>(null);
  if (recovery && !trouble) known.current = recovery;
  return (
    <>
      {isLostFirst && <Lost view={left.value} isFirst />}
      {isLostFirst && trouble && <p class="faint">The service itself was asked too: {trouble}</p>}
      {!isLostFirst && recovery && trouble && <Unanswered recovery={recovery} />}
      {!isLostFirst && !recovery && <p>Asking the service …</p>}
      {/* Out of sight while the service does not answer, and not gone: a person may have chosen keys in there. */}
      <div key="known" hidden={trouble !== ""}>
        {known.current && <Running recovery={known.current} />}
      </div>
      {hasLost && !isLostFirst && <Lost view={left.value} isFirst={false} />}
    </>
  );
}

function Unanswered({ recovery }: { recovery: Recovery }) {
  return (
    <>
      <h1 class="bad" aria-live="polite">
        {recovery.headline}
      </h1>
      <p class="bad">{recovery.trouble}</p>
      <p>{recovery.operator}</p>
    </>
  );
}

function Running({ recovery }: { recovery: Recovery }) {
  const isReading = recovery.nodes.some((node) => node.target !== null);
  return (
    <>
      <h1 aria-live="polite">{recovery.headline}</h1>
      {isReading && <Nodes nodes={recovery.nodes} />}
      {(recovery.operator || recovery.you) && <Next recovery={recovery} />}
      <Compared recovery={recovery} />
      {recovery.steps.length > 0 && (
        <>
          <h2>Steps</h2>
          <Steps steps={recovery.steps} />
        </>
      )}
      <h2>{recovery.is_recovering ? "Who takes part" : "Who holds a share"}</h2>
      <Shares recovery={recovery} />
      <Members recovery={recovery} />
      {recovery.is_recovering && !isReading && <Nodes nodes={recovery.nodes} />}
    </>
  );
}

/** How many shares are needed, how many may be lost, and what one is. */
function Shares({ recovery }: { recovery: Recovery }) {
  if (recovery.threshold === null)
    return recovery.status === "" ? null : (
      <p class="faint">This service does not say who has a share, or has handed one in.</p>
    );
  const mine = recovery.members.find((member) => member.id === signer.value?.id);
  return (
    <>
      <p>
        {recovery.is_recovering && recovery.submitted !== null
          ? `${recovery.submitted} of ${recovery.threshold} shares that are needed have arrived.`
          : `Shares that are needed to bring the service back: ${recovery.threshold}.`}{" "}
        {(recovery.spare ?? 0) > 0 && `So many may be lost: ${recovery.spare}.`}
      </p>
      {recovery.spare === 0 && (
        <p class="bad banner">
          ▲ No share may be lost: there are exactly as many as are needed. If one member loses a key, a lost service
          cannot be brought back. A lower recovery threshold, or another member with a share, helps.
        </p>
      )}
      <p class="faint">
        A share is a part of the key that opens the private part of the ledger. The ledger itself has each share,
        encrypted for its member.
        {mine && " Yours opens with your encryption key, such as member0_enc_privk.pem: who loses that key loses the share."}
      </p>
    </>
  );
}

function Rows({ lines }: { lines: readonly ReportLine[] }) {
  return (
    <dl class="rows">
      {lines.map((line, index) => (
        <div key={index}>
          <dt>{line.label}</dt>
          <dd class={line.is_bad ? "bad" : ""}>
            {line.is_bad && <span aria-hidden="true">▲ </span>}
            {line.text}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Service({ service }: { service: ServiceReport }) {
  return (
    <section aria-label={`Service ${short(service.service)}`}>
      <h2>
        Service <code title={service.service}>{service.service.slice(0, 16)}</code>
      </h2>
      <p>{service.ending}.</p>
      <Rows lines={service.restored} />
      <h3>Who must hand in a share: {service.shares}</h3>
      <dl class="rows">
        {service.members.map((member) => (
          <div key={member.id}>
            <dt>
              <code title={member.id}>{short(member.id)}</code>
            </dt>
            <dd>{member.text}</dd>
          </div>
        ))}
      </dl>
      <h3>What is lost</h3>
      <Rows lines={service.lost} />
      {service.files.length > 0 && (
        <>
          <h3>Files to look at</h3>
          <Rows lines={service.files} />
        </>
      )}
    </section>
  );
}

function Lost({ view, isFirst }: { view: LostView | null; isFirst: boolean }) {
  if (!view) return <p>Looking through the folders …</p>;
  const report = view.report;
  const isBad = report ? !report.is_whole : view.trouble !== "";
  const Title = isFirst ? "h1" : "h2";
  return (
    <>
      <Title class={isBad ? "bad" : ""} aria-live="polite">
        {view.headline}
      </Title>
      <p class="faint">What is left in {view.folders.join(", ")}</p>
      {view.trouble && report && <p class="bad banner">{view.trouble}</p>}
      {view.bytes_left > 0 && (
        <progress aria-label="read" max={view.bytes_all} value={view.bytes_all - view.bytes_left} />
      )}
      {view.commands.length > 0 && (
        <section aria-label="What to type next">
          <h2>What to type next</h2>
          <pre tabIndex={0}>{view.commands.join("\n")}</pre>
          {report?.is_whole === false && (
            <p>Look for more files first, of other nodes and of backups: what one lacks another may have.</p>
          )}
          <p class="faint">
            APP is the app that the service ran. The command starts a node, and says what the members do then.
          </p>
        </section>
      )}
      {report?.services.map((service) => (
        <Service key={service.service} service={service} />
      ))}
      {report && report.unclaimed.length > 0 && (
        <section aria-label="Files of no service">
          <h2>Of no service that can be restored, or after files that are missing</h2>
          <Rows lines={report.unclaimed} />
        </section>
      )}
      {report && report.unused.length > 0 && (
        <section aria-label="Not used">
          <h2>Not used</h2>
          <ul>
            {report.unused.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
