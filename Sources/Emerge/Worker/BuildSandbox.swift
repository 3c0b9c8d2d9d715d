import FoundationEssentials
import Trust

/// One build's directory and the command lines that run in it under bubblewrap.
///
/// The system is read-only and only the build's directory can be written. A build is root, as emerge
/// must be, but only with the capabilities that installing into a directory takes, so that it can't
/// mount anything anew; it sees no keys or passwords and nothing of the worker's environment.
/// Portage's own sandboxes are off inside, since they need what this one takes away.
struct BuildSandbox: Sendable {
  /// Which network a phase has.
  enum Network: Sendable {
    /// Sources are fetched; no code of an ebuild's phases runs.
    case fetching
    /// Everything else.
    case none
  }

  let settings: WorkerSettings
  let host: HostFacts
  /// The build's directory.
  let directory: String
  /// Where Portage's Python lies, from `interpreterPlaces`.
  var interpreter: [String] = []

  /// The directories that a build has, below its own.
  static let places = ["root", "etc/portage", "tmp", "binpkgs", "distfiles", "log"]

  /// The command that runs `words` inside.
  func command(_ words: [String], network: Network = .none) -> [String] {
    settings.prefix + ["/usr/bin/env"] + environment + bubblewrap(network) + words
  }

  /// What emerge needs of root to give files their owners and modes, and to end its own processes.
  private static let capabilities = [
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETFCAP",
    "CAP_SETGID", "CAP_SETUID",
  ]

  /// What builds get of the worker's environment: where programs are, and the proxies through which
  /// sources come.
  static let keptVariables: Set<String> = [
    "PATH", "TERM", "HOME", "http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "HTTPS_PROXY",
    "NO_PROXY",
  ]

  /// The directories of the Python that runs Portage on this host: a virtual environment and what
  /// it is made from may lie where builds see nothing else. Empty if there is no `python3`.
  static func interpreterPlaces(_ settings: WorkerSettings) async -> [String] {
    let script = "import sys; print(sys.prefix); print(sys.base_prefix)"
    let child = ChildProcess(command: settings.prefix + ["python3", "-c", script])
    guard let seen = try? await child.capture(limit: 10_000, within: .seconds(30)),
      seen.status.isSuccess
    else { return [] }
    let lines = String(decoding: seen.output, as: UTF8.self).split(separator: "\n")
    return lines.map(String.init).filter { $0.hasPrefix("/") }
  }

  /// What is mounted over, empty.
  private var hidden: [String] {
    let common = ["/tmp", "/var/tmp", "/run"]
    switch settings.layout {
    case .separateRoot:
      // What isn't there can't be covered: the system is read-only.
      return common + (Self.secretDirectories + settings.hidden).filter(Self.exists)
    case .wholeSystem: return common + settings.hidden
    }
  }

  /// Where machines keep keys, in a system that builds would see.
  private static let secretDirectories = ["/etc/ssh", "/etc/ssl/private", "/etc/larder"]
  /// Files of the same kind.
  private static let secretFiles = ["/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-"]

  /// Files that read as empty.
  private var masked: [String] {
    guard settings.layout == .separateRoot else { return [] }
    return (Self.secretFiles + settings.masked).filter(Self.exists)
  }

  private static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path)
  }

  /// The host's ebuild repositories, configuration and distfiles, the directories that the prefix
  /// names, and Portage's Python where it would be hidden.
  private var visible: [String] {
    let python = interpreter.filter { place in
      settings.layout == .separateRoot && hidden.contains { place.hasPrefix($0 + "/") }
    }
    let places =
      python
      + host.repositories.map(\.location) + [host.configRoot + "/etc/portage", host.distdir]
      + settings.prefix.dropFirst().filter { $0.hasPrefix("/") } + [settings.helper]
      + settings.visible
    var found: [String] = []
    for place in places where place.utf8.count > 1 && !found.contains(place) {
      found.append(place)
    }
    return found
  }

  private var environment: [String] {
    let root =
      switch settings.layout {
      case .separateRoot: directory + "/root"
      case .wholeSystem: "/"
      }
    return [
      "ROOT=\(root)", "SYSROOT=\(root)", "PORTAGE_CONFIGROOT=\(directory)",
      "PKGDIR=\(directory)/binpkgs", "DISTDIR=\(directory)/distfiles",
      "PORTAGE_RO_DISTDIRS=\(host.distdir)", "PORTAGE_TMPDIR=\(directory)/tmp",
      "PORTAGE_LOGDIR=\(directory)/log", "EMERGE_LOG_DIR=\(directory)/log",
      "EMERGE_DEFAULT_OPTS=--color=n --nospinner --quiet-build=n", "EMERGE_WARNING_DELAY=0",
      "CLEAN_DELAY=0", "PORTAGE_ELOG_SYSTEM=", "BINPKG_FORMAT=gpkg",
    ]
  }

  private func bubblewrap(_ network: Network) -> [String] {
    var words = [settings.bubblewrap]
    switch settings.layout {
    case .separateRoot: words += ["--ro-bind", "/", "/"]
    case .wholeSystem: words += ["--bind", directory + "/root", "/"]
    }
    words += ["--dev", "/dev", "--proc", "/proc"]
    // Root may write these whatever its capabilities, and they are the whole machine's.
    for place in ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/sys"] {
      words += ["--ro-bind-try", place, place]
    }
    for place in hidden { words += ["--tmpfs", place] }
    for place in visible { words += ["--ro-bind-try", place, place] }
    for place in settings.scratch { words += ["--tmpfs", place] }
    for place in masked { words += ["--ro-bind", "/dev/null", place] }
    words += ["--bind", directory, directory, "--chdir", directory]
    words += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]
    words += ["--new-session", "--cap-drop", "ALL"]
    for capability in Self.capabilities { words += ["--cap-add", capability] }
    switch network {
    case .none: words += ["--unshare-net"]
    case .fetching:
      for place in ["/run/systemd/resolve", "/etc/resolv.conf", "/etc/hosts"] {
        words += ["--ro-bind-try", place, place]
      }
    }
    return words
  }
}
