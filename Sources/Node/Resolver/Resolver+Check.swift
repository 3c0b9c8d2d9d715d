import Cryptography
import Emerge
import Logging
import Portage
import Storage
import Trust
import Wire

extension Resolver {
  /// Opens every fetched build and marks those that passed as listed; the others go on to their next
  /// statement. `isMoving` tells whether one did so already since the last round.
  func check(
    _ builds: inout [PlannedBuild], host: HostFacts, installed: [InstalledPackage], isMoving: Bool
  ) async throws {
    var round = CheckRound(
      builds, list: await trust.list, host: host, now: WallClock.now, isMoving: isMoving)
    var findings: [(place: Int, finding: JointCheck.Finding)] = []
    var places: [Int] = []
    var candidates: [JointCheck.Candidate] = []
    for index in builds.indices {
      guard let signed = builds[index].verdict.statement,
        let path = store.path(of: signed.statement.root)
      else { continue }
      do {
        let description = try await describe(path, signed.statement.root)
        places.append(index)
        candidates.append(
          JointCheck.Candidate(
            planned: builds[index].facts, statement: signed.statement, description: description))
      } catch let error as GpkgInspector.InspectError where error.isOfTheFile {
        let problem = Mismatch("gpkg", found: "\(error)", expected: "one that can be read")
        findings.append((index, .wrong([problem])))
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        round.setAside(index, because: "the file can't be read: \(error)")
      }
    }
    let found = JointCheck.findings(of: candidates, host: host, installed: installed)
    for (place, finding) in zip(places, found) { findings.append((place, finding)) }
    round.settle(findings)
    builds = round.builds
    for failure in round.failures { await note(failure) }
  }

  private func describe(_ path: String, _ root: ContentRoot) async throws -> GpkgDescription {
    if let known = descriptions[root] { return known }
    let description = try await Blocking.run { try GpkgInspector.inspect(path: path) }
    descriptions.keep(description, of: root)
    return description
  }

  /// Remembers what an issuer stated wrongly, so that later plans don't take it again and the fault
  /// counts once.
  private func note(_ failure: CheckRound.Failure) async {
    let signed = failure.statement
    logger.warning(
      "build refused",
      metadata: [
        "package": "\(failure.cpv)", "issuer": "\(signed.issuer)", "reason": "\(failure.reason)",
      ])
    let check = FailedCheck(
      issuer: signed.issuer.bytes, claim: signed.statement.claim, reason: failure.reason,
      expires: signed.statement.expires)
    await remember { try await catalog.note(check, of: failure.cpv, now: WallClock.now) }
  }
}

extension GpkgInspector.InspectError {
  /// Whether the file's bytes are to blame, and not the disk that they lie on.
  var isOfTheFile: Bool {
    switch self {
    case .gpkg(.cannotRead), .gpkg(.notAFile): false
    case .gpkg, .metadata, .environment, .facts: true
    }
  }
}
