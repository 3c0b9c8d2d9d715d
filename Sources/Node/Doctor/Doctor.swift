import Binhost
import Cryptography
import DHT
import Emerge
import Glibc
import Synchronization
import Trust
import Wire

/// Looks at everything that a node needs, and says what to do about what is wrong.
public struct Doctor: Sendable {
  private let paths: Paths

  /// A doctor for the node at `paths`.
  public init(_ paths: Paths) {
    self.paths = paths
  }

  /// All findings, in the order in which a new owner would set things up.
  public func examine() async -> [Finding] {
    let configuration: Configuration
    do throws(ConfigurationError) {
      configuration = try Configuration.load(paths)
    } catch {
      return [
        .wrong("configuration", "\(error)", do: "mend this line; docs/OPERATING.md has every key")
      ]
    }
    var findings = [Finding.ok("configuration", paths.configurationFile)]
    findings += keys(configuration)
    findings.append(trust())
    findings.append(bootstrap(configuration))
    let status: StatusSnapshot?
    (status, findings) = await daemon(configuration, after: findings)
    findings.append(Self.clock(at: WallClock.now, status))
    findings.append(disk(configuration))
    findings += await portage(configuration)
    return findings
  }

  private func keys(_ configuration: Configuration) -> [Finding] {
    let store = KeyStore(paths)
    var findings: [Finding] = []
    do {
      let key = try store.load(.node).publicKey
      findings.append(.ok("node key", "\(key)"))
    } catch KeyStore.KeyError.missing {
      findings.append(.ok("node key", "none yet; the daemon makes it on its first start"))
    } catch {
      findings.append(.wrong("node key", "\(error)", do: "mend or move the file"))
    }
    do {
      if let key = try store.issuerKey()?.publicKey {
        findings.append(.ok("issuer key", "\(key)"))
      } else if configuration.publish.enabled {
        findings.append(
          .wrong("issuer key", "none, and publish.enabled is true", do: "run 'larder key generate'")
        )
      } else {
        findings.append(.ok("issuer key", "none; this node publishes nothing"))
      }
    } catch {
      findings.append(.wrong("issuer key", "\(error)", do: "mend or move the file"))
    }
    return findings
  }

  private func trust() -> Finding {
    do {
      let own = try KeyStore(paths).issuerKey()?.publicKey
      let list = try TrustDirectory(paths).load(own: own)
      try list.check(lastSeen: 0, now: WallClock.now)
      if list.issuers.isEmpty {
        return .notice(
          "trust list", "nobody is trusted, so nothing of others is accepted",
          do: "run 'larder trust add' with the key of somebody whose builds you want")
      }
      return .ok("trust list", list.issuers.map(\.name).joined(separator: ", "))
    } catch {
      return .wrong(
        "trust list", "\(error)", do: "mend it; nothing of others is accepted until then")
    }
  }

  private func bootstrap(_ configuration: Configuration) -> Finding {
    let file = configuration.listen.bootstrap ?? paths.bootstrap
    do {
      guard let bytes = try AtomicFile.read(file) else {
        return .notice(
          "bootstrap peers", "\(file) is not there",
          do: "write a line '<node key> <host>:<port>' of a node that is always on")
      }
      let peers = try BootstrapList(parsing: String(decoding: bytes, as: UTF8.self)).peers
      return peers.isEmpty
        ? .notice("bootstrap peers", "\(file) names none", do: "add a node that is always on")
        : .ok("bootstrap peers", "\(peers.count) in \(file)")
    } catch {
      return .wrong("bootstrap peers", "\(file): \(error)", do: "mend this line")
    }
  }

  /// What the running daemon says of itself, and the findings with those about it; without one,
  /// those about the ports that it will want.
  private func daemon(
    _ configuration: Configuration, after findings: [Finding]
  ) async -> (StatusSnapshot?, [Finding]) {
    let answer = Mutex<StatusSnapshot?>(nil)
    do {
      try await ControlClient(path: paths.controlSocket).send(.status) { event in
        if case .status(let status) = event { answer.withLock { $0 = status } }
      }
    } catch ControlClient.ClientError.noDaemon {
      let advice = "start it: rc-service larder start, or systemctl start larder"
      return (
        nil, findings + [.notice("daemon", "is not running", do: advice)] + freePorts(configuration)
      )
    } catch {
      return (nil, findings + [.wrong("daemon", "\(error)", do: "see its log")])
    }
    var found = [Finding.ok("daemon", "answers at \(paths.controlSocket)")]
    let status = answer.withLock { $0 }
    if let status {
      found.append(Self.company(status))
      found.append(
        Self.reach(
          status, port: configuration.listen.port, mapsPorts: configuration.listen.portMapping))
    }
    return (status, findings + found)
  }

  /// Whether other nodes answer.
  static func company(_ status: StatusSnapshot) -> Finding {
    guard status.network.isJoined else {
      return .notice(
        "peers", "nobody answers",
        do: "check the bootstrap file, the network's name, and that UDP gets out and back in")
    }
    return .ok("peers", "\(status.peerCount) known")
  }

  /// Whether the ports that the daemon will want can be had.
  func freePorts(_ configuration: Configuration) -> [Finding] {
    let (listen, http) = (configuration.listen, configuration.http)
    var wanted = [
      ("peers' UDP port", "\(listen.ip)", listen.port, PortProbe.Kind.datagrams),
      ("peers' TCP port", "\(listen.ip)", listen.port, .streams),
    ]
    if http.enabled { wanted.append(("HTTP port", http.address, http.port, .streams)) }
    var findings: [Finding] = []
    for (subject, address, port, kind) in wanted where port != 0 {
      guard let ip = IPAddress(address) else { continue }
      if let reason = PortProbe.obstacle(to: Address(ip: ip, port: port), kind) {
        findings.append(
          .wrong(
            subject, "\(address) port \(port): \(reason)",
            do: "stop what uses it, or set another port in larder.yaml"))
      } else {
        findings.append(.ok(subject, "\(port) is free"))
      }
    }
    return findings
  }

  /// Whether the clock is right, as far as the program's own age and other nodes tell: they refuse
  /// what is dated more than ten minutes ahead, as this node does.
  static func clock(at now: Timestamp, _ status: StatusSnapshot?) -> Finding {
    guard now > Program.released else {
      return .wrong(
        "clock", "\(now) lies before this program was made",
        do: "set the clock, and run an NTP client: more than \(skew) s off is too much")
    }
    guard let status else {
      return .ok("clock", "\(now); not compared with others: the daemon is not running")
    }
    let network = status.network
    if network.ownFromTheFuture > 0 {
      return .wrong(
        "clock",
        "\(now) is ahead: other nodes refused \(network.ownFromTheFuture) of this node's records "
          + "as dated in the future since the daemon started",
        do: "set the clock, run an NTP client, and restart the daemon")
    }
    if network.othersFromTheFuture > 0 {
      return .notice(
        "clock",
        "\(now) may be behind: \(network.othersFromTheFuture) records of others are dated more than "
          + "\(skew) s after it",
        do: "compare it with another clock; if it is right, theirs is not")
    }
    guard network.isJoined else {
      return .ok("clock", "\(now); not compared with others: nobody answers")
    }
    return .ok("clock", "\(now); none of \(status.peerCount) peers objects")
  }

  private static let skew = Limits.clockSkew.components.seconds

  private func disk(_ configuration: Configuration) -> Finding {
    var directory = paths.state
    var facts = statvfs()
    while statvfs(directory, &facts) != 0 {
      guard let slash = directory.lastIndex(of: "/"), slash != directory.startIndex else {
        directory = "/"
        break
      }
      directory = String(directory[..<slash])
    }
    guard statvfs(directory, &facts) == 0 else {
      return .wrong("disk", "\(directory) can't be looked at", do: "make \(paths.state)")
    }
    let free = ByteCount(UInt64(facts.f_bavail) * UInt64(facts.f_frsize))
    let quota = configuration.storage.quota
    return free < quota
      ? .notice(
        "disk", "\(free) free under \(directory), the quota is \(quota)",
        do: "lower storage.quota or make room")
      : .ok("disk", "\(free) free, quota \(quota)")
  }

  private func portage(_ configuration: Configuration) async -> [Finding] {
    do {
      let report = try await PortageHelper(configuration.portage.helperSettings).host()
      guard let host = report.host else { throw ResolveError.noHostFacts }
      var findings = [
        Finding.ok("Portage", "\(report.portage ?? "?"), \(host.arch), packages in \(host.pkgdir)"),
        Setup(paths).portage(for: host).isWritten
          ? .ok("binrepos.conf", "lets Portage read Larder's directory")
          : .notice(
            "binrepos.conf", "\(host.binreposConf) does not name Larder's directory",
            do: "run 'larder setup'"),
      ]
      if host.portageFeatures.contains("binpkg-request-signature") {
        findings.append(
          .wrong(
            "FEATURES", "binpkg-request-signature makes Portage refuse every unsigned package",
            do: "put FEATURES=\"-binpkg-request-signature\" into make.conf; Larder checks instead"))
      }
      if host.binpkgFormat != "gpkg" {
        findings.append(
          .notice(
            "BINPKG_FORMAT", "is \(host.binpkgFormat); only gpkg can be shared",
            do: "set BINPKG_FORMAT=\"gpkg\" in make.conf"))
      }
      if configuration.publish.enabled, !host.portageFeatures.contains("buildpkg") {
        findings.append(
          .notice(
            "FEATURES", "without buildpkg Portage writes no packages to publish",
            do: "put FEATURES=\"buildpkg\" into make.conf"))
      }
      return findings
    } catch {
      return [.wrong("Portage", "\(error)", do: "see portage.helper and portage.command-prefix")]
    }
  }
}

extension Configuration.Portage {
  /// How the helper is run.
  var helperSettings: PortageHelper.Settings {
    var settings = PortageHelper.Settings(program: helper)
    settings.prefix = commandPrefix
    settings.timeout = timeout
    return settings
  }
}
