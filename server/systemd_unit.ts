/** A systemd unit for a server, as tight as this program can live in. Pure. */

/** What the unit is made for. */
export interface UnitInput {
  /** Absolute path of what is started: the executable, or the start script. */
  readonly program: string;
  /** Words before the arguments: `server` for the executable, none for the start script, which says that itself. */
  readonly words: readonly string[];
  /** What follows, as typed: the port and flags of settings. */
  readonly args: readonly string[];
  /** Where the data is; undefined: a folder that systemd makes and owns. */
  readonly data: string | undefined;
  /** The folder in which data and configuration file are, where they are together. */
  readonly home: string | undefined;
  /** The configuration file; undefined: in `home`, else in /etc/sealpost. */
  readonly config: string | undefined;
  /** The user it runs as; undefined: one that systemd makes up. */
  readonly user: string | undefined;
  /** Whether the port needs the right to listen below 1024. */
  readonly privileged: boolean;
  readonly connections: number;
  /** With a script: the folder of Deno, which the script has to find. */
  readonly denoFolder: string | undefined;
}

/** What a started server has open beside its connections: database, logs, files on their way. */
const otherFiles = 1024;

/** The data folder where systemd makes it (systemd.exec(5), StateDirectory=). */
export const stateFolder = "/var/lib/sealpost";

/** A word of a command line in a unit: specifiers, variables and quotes mean themselves (systemd.service(5)). */
export function unitWord(word: string): string {
  const plain = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[\w./:@%$+=,-]+$/.test(plain)) return plain;
  const escaped = plain.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t");
  return `"${escaped}"`;
}

/** The unit's lines. */
export function systemdUnit(input: UnitInput): string[] {
  const { program, words, args, data = stateFolder, home, config, user } = input;
  const place = home === undefined ? ["--data", data] : ["--home", home];
  const start = [
    program,
    ...words,
    ...args,
    ...place,
    ...config === undefined ? [] : ["--config", config],
  ];
  const reload = [program, ...words, "reload", ...place];
  return [
    "# A Sealpost server. Put this into /etc/systemd/system/sealpost.service, then:",
    "#   systemctl daemon-reload && systemctl enable --now sealpost",
    `# Its operator's commands take ${place.join(" ")}, as ${user ?? "root"}.`,
    "[Unit]",
    "Description=Sealpost server",
    "Wants=network-online.target",
    "After=network-online.target",
    "# It may be waiting for a port: it is tried again for as long as it takes.",
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "# It says itself when it listens, and when it ends.",
    "Type=notify",
    "NotifyAccess=main",
    `ExecStart=${start.map(unitWord).join(" ")}`,
    `ExecReload=${reload.map(unitWord).join(" ")}`,
    "Restart=on-failure",
    "RestartSec=2",
    "# Wrong usage and damaged data do not get better by themselves.",
    "RestartPreventExitStatus=2 8",
    `TimeoutStartSec=${input.denoFolder === undefined ? 60 : 600}`,
    "TimeoutStopSec=30",
    ...identityLines(input),
    ...sandboxLines(input),
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ];
}

function identityLines(input: UnitInput): string[] {
  const { data, home, config, user, connections, privileged, denoFolder } = input;
  const open = Math.max(65_536, connections + otherFiles);
  const capability = privileged ? "CAP_NET_BIND_SERVICE" : "";
  return [
    "",
    ...user === undefined ? ["DynamicUser=yes"] : [`User=${user}`],
    ...data === undefined ? ["StateDirectory=sealpost", "StateDirectoryMode=0700"] : [],
    ...config === undefined && home === undefined
      ? [
        "# Its configuration file, if there is one: /etc/sealpost/server.json",
        "Environment=XDG_CONFIG_HOME=/etc",
      ]
      : [],
    "UMask=0077",
    `LimitNOFILE=${open}`,
    `CapabilityBoundingSet=${capability}`,
    `AmbientCapabilities=${capability}`,
    ...denoFolder === undefined ? [] : [
      "# The start script looks for Deno, and keeps the packages here.",
      "CacheDirectory=sealpost",
      `Environment=${unitWord(`PATH=${denoFolder}:/usr/local/bin:/usr/bin:/bin`)}`,
      "Environment=XDG_CACHE_HOME=%C/sealpost DENO_DIR=%C/sealpost/deno",
    ],
  ];
}

/** Paths under which people's own files lie. */
const homes = /^\/(home|root|run\/user)(\/|$)/;

function sandboxLines({ program, data, home, config, denoFolder }: UnitInput): string[] {
  const atHome = [program, data, home, config, denoFolder].some((path) =>
    path !== undefined && homes.test(path)
  );
  // A path so long that the admin socket needs a folder of its own in /tmp, where commands have to find it.
  const shortPath = (data ?? stateFolder).length < 80;
  return [
    "",
    "# What it can do without. MemoryDenyWriteExecute= must stay off: JavaScript is compiled while it runs.",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    `ProtectHome=${atHome ? "read-only" : "yes"}`,
    ...data === undefined ? [] : [`ReadWritePaths=${unitWord(home ?? data)}`],
    ...shortPath ? ["PrivateTmp=yes"] : ["ReadWritePaths=/tmp"],
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "LockPersonality=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
  ];
}
