import type { SessionInfo } from "flagon";
import type { FC } from "hono/jsx";
import { agoText } from "../lib/words.ts";
import { Icon } from "./icons.tsx";

export type Device = Pick<SessionInfo, "id" | "device" | "createdAt" | "lastSeenAt" | "isCurrent">;

interface DevicesPageProps {
  /** Null where nobody has a list: sealed cookies are in the browsers alone. */
  readonly devices: readonly Device[] | null;
  readonly now: number;
  /** Whether signing a device out begins with the password. */
  readonly asksFirst: boolean;
}

export const DevicesPage: FC<DevicesPageProps> = ({ devices, now, asksFirst }) => (
  <>
    <div class="page-head">
      <h1>Devices</h1>
      <p class="lead">
        {devices === null
          ? "Here sessions are sealed in cookies, which only the browsers have, so there is no list of them. They can be ended all the same."
          : "Where you are signed in now. Something you don’t know? Sign it out, then change your password."}
      </p>
    </div>
    {devices && (
      <section class="card" aria-label="Where you are signed in">
        <div data-devices>
          <DeviceList devices={devices} now={now} />
        </div>
        <p class="visually-hidden" role="status" data-devices-changed />
      </section>
    )}
    <form class="below" method="post" action="/devices/sign-out-others">
      <button class="button button-danger" type="submit">
        Sign out all other devices
      </button>
    </form>
    {asksFirst && (
      <p class="hint below">
        You signed in a while ago. Before you sign a device out, <a href="/confirm?next=%2Fdevices">confirm it’s you</a>
        .
      </p>
    )}
  </>
);

/** Sent again to pages that are open, whenever it looks otherwise. */
export const DeviceList: FC<{ devices: readonly Device[]; now: number }> = ({ devices, now }) => (
  <ul class="devices">
    {devices.map((device) => (
      <li>
        <Icon name={isPhone(device) ? "phone" : "screen"} />
        <div class="device-words">
          <p class="device-name">
            {deviceName(device)}
            {device.isCurrent && <span class="badge">This device</span>}
          </p>
          <p class="hint">
            Signed in {agoText(now - device.createdAt)}, last seen {agoText(now - device.lastSeenAt)}
          </p>
        </div>
        {!device.isCurrent && (
          <form method="post" action="/devices/sign-out">
            <input type="hidden" name="id" value={device.id} />
            <button
              class="button button-small button-quiet"
              type="submit"
              aria-label={`Sign out ${deviceName(device)}, signed in ${agoText(now - device.createdAt)}`}
            >
              Sign out
            </button>
          </form>
        )}
      </li>
    ))}
  </ul>
);

export function deviceName({ device }: Pick<Device, "device">): string {
  return device ?? "A device without a name";
}

function isPhone({ device }: Device): boolean {
  return /iPhone|Android/.test(device ?? "");
}
