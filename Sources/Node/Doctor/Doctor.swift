import Binhost
import Cryptography
import DHT
import Emerge
import Glibc
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
    findings += await ports(configuration)
    findings.append(clock())
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

  private func ports(_ configuration: Configuration) async -> [Finding] {
    do {
      try await ControlClient(path: paths.controlSocket).send(.status) { _ in }
      return [.ok("daemon", "answers at \(paths.controlSocket)")]
    } catch ControlClient.ClientError.noDaemon {
      let advice = "start it: rc-service larder start, or systemctl start larder"
      return [.notice("daemon", "is not running", do: advice)] + freePorts(configuration)
    } catch {
      return [.wrong("daemon", "\(error)", do: "see its log")]
    }
  }

  /// Whether the ports that the daemon will want can be had.
  func freePorts(_ configuration: Configuration) -> [Finding] {
    let (listen, http) = (configuration.listen, configuration.http)
    var wanted = [
      ("peers' UDP port", listen.address, listen.port, PortProbe.Kind.datagrams),
      ("peers' TCP port", listen.address, listen.port, .streams),
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

  private func clock() -> Finding {
    let now = WallClock.now
    guard now > Program.released else {
      return .wrong(
        "clock", "\(now) lies before this program was made",
        do: "set the clock, and run an NTP client: more than \(Self.skew) s off is too much")
    }
    return .ok("clock", "\(now)")
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
