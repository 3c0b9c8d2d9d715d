import Binhost
import Builder
import Cloud
import Cryptography
import Emerge
import Logging
import PeerNetwork
import Storage
import Trust
import Wire

/// The gateway of `larder cloud`: checks what workers bring, signs it and seeds it.
struct GatewayService: Sendable {
  private let gateway: Gateway
  private let index: any BuildIndex

  /// The gateway of this node; nil for nodes of other kinds. Throws if there is no issuer key.
  init?(
    kind: Daemon.Kind, state: NodeState, network: NodeNetwork, helper: PortageHelper,
    settings: Configuration, logger: Logger
  ) async throws {
    guard kind == .gateway else { return nil }
    guard let key = state.issuerKey else { throw PublishError.noKey }
    let rules = GatewayRules(licences: settings.publish.licences, helper: helper)
    let acceptance = GatewayAcceptance(
      key: key, validity: settings.publish.validity, rules: rules, state: state,
      peers: network.peers)
    let tokens = TokenFile(path: state.paths.tokens)
    var own = GatewaySettings(staging: state.paths.staging)
    own.host = settings.gateway.address
    own.port = Int(settings.gateway.port)
    index = SQLiteBuildIndex(state.catalog)
    gateway = Gateway(
      index: index, queue: SQLiteJobQueue(state.catalog), settings: own,
      hooks: GatewayHooks(
        tokens: { try await tokens.table() },
        admit: { await rules.objection(to: $0) },
        accept: { path, build in try await acceptance.accept(path, build) },
        now: { WallClock.now }),
      log: logger)
  }

  /// Serves until cancelled.
  func run() async throws {
    try await gateway.run()
  }

  /// The builds that are waiting or under way, for the status page.
  func jobs() async -> [StatusSnapshot.Job] {
    let now = WallClock.now
    var rows: [StatusSnapshot.Job] = []
    for phase in [JobPhase.leased, .queued, .failed] {
      for job in (try? await index.jobs(.phase(phase), limit: 50)) ?? [] {
        rows.append(
          StatusSnapshot.Job(
            name: job.request.cpv, state: phase.rawValue,
            age: (now - job.submitted).components.seconds, detail: job.log.lines.last ?? ""))
      }
    }
    return rows
  }
}

/// Judges a worker's upload: it must be what the worker says that it built, and may be published.
struct GatewayAcceptance: Sendable {
  let key: SigningKey
  let validity: Duration
  let rules: GatewayRules
  let state: NodeState
  let peers: Peers

  /// Signs, keeps and announces the package at `path`; throws `ResultRefused` with the reason.
  ///
  /// What is signed are the facts of the build, not those of whoever asked: another compiler or other
  /// flags are for the reader's policy to judge, and must be stated as they were.
  func accept(_ path: String, _ build: FinishedBuild) async throws -> AcceptedBuild {
    let intake = PackageIntake(
      facts: build.facts, policy: try await rules.policy, origin: .worker)
    let blob: ImportedBlob
    let description: GpkgDescription
    do {
      (blob, description) = try await intake.take(path, into: state.store)
    } catch let objection as PackageIntake.Objection {
      throw ResultRefused(objection.description)
    }
    let now = WallClock.now
    try await state.catalog.add(blob.root, size: blob.size, now: now)
    let statement: BuildStatement
    do {
      statement = try BuildStatement.make(
        from: build.facts, description: description,
        file: .init(root: blob.root, size: blob.size, md5: blob.md5, sha1: blob.sha1), now: now,
        life: validity)
    } catch {
      throw ResultRefused("\(error)")
    }
    let signed = try SignedStatement.sign(statement, with: key)
    try await state.catalog.keep([signed])
    try await state.catalog.keep(
      OwnBuild(
        root: blob.root, fingerprint: statement.fingerprint.bytes, cpv: build.request.cpv, path: "",
        facts: [], statement: signed.encoded, published: now, expires: statement.expires))
    await peers.publish([signed], providing: [blob.root])
    return AcceptedBuild(
      statement: signed.encoded, root: blob.root.bytes, size: blob.size, expires: statement.expires)
  }
}
