import Cryptography
import Emerge
import Logging
import Storage
import Trust
import Wire

extension Resolver {
  /// Opens every fetched build and marks those that passed as listed; the others lose their statement.
  func check(_ builds: inout [PlannedBuild], host: HostFacts) async throws {
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
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        let problem = Mismatch("gpkg", found: "\(error)", expected: "one that can be read")
        try await reject(&builds[index], signed, [problem])
      }
    }
    guard !candidates.isEmpty else { return }
    let installed = try await helper.installed().installed
    let problems = JointCheck.problems(of: candidates, host: host, installed: installed)
    for (index, problems) in zip(places, problems) {
      if problems.isEmpty {
        builds[index].isListed = true
      } else if let signed = builds[index].verdict.statement {
        try await reject(&builds[index], signed, problems)
      }
    }
  }

  private func describe(_ path: String, _ root: ContentRoot) async throws -> GpkgDescription {
    if let known = descriptions[root] { return known }
    let description = try await Blocking.run { try GpkgInspector.inspect(path: path) }
    descriptions.keep(description, of: root)
    return description
  }

  /// Takes the build out of the plan; what its issuer stated wrongly is counted.
  private func reject(
    _ build: inout PlannedBuild, _ signed: SignedStatement, _ problems: [Mismatch]
  ) async throws {
    let text = problems.map(\.description).joined(separator: "; ")
    build.isListed = false
    build.verdict = build.verdict.without(signed, because: .mismatch(text))
    logger.warning(
      "build refused",
      metadata: [
        "package": "\(build.facts.cpv)", "issuer": "\(signed.issuer)", "reason": "\(text)",
      ])
    guard JointCheck.blamesIssuer(problems) else { return }
    try await catalog.countFault(
      of: signed.issuer.bytes, reason: "\(build.facts.cpv): \(text)", now: WallClock.now)
  }
}
