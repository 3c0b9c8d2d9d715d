import Cryptography
import Emerge
import Logging
import Storage
import Trust
import Wire

extension Resolver {
  /// Opens every fetched build and marks those that passed as listed; the others lose their statement.
  ///
  /// A library may come from another package of the same plan, so packages are checked together until
  /// nothing falls out any more.
  func check(_ builds: inout [PlannedBuild], host: HostFacts) async throws {
    var fetched: [(index: Int, statement: SignedStatement, description: GpkgDescription)] = []
    for index in builds.indices {
      guard let statement = builds[index].verdict.statement,
        let path = store.path(of: statement.statement.root)
      else { continue }
      do {
        let description = try await describe(path, statement.statement.root)
        fetched.append((index, statement, description))
      } catch {
        try await reject(&builds[index], statement, ["gpkg: \(error)"])
      }
    }
    guard !fetched.isEmpty else { return }
    let installed = try await helper.installed().installed
    while true {
      var libraries = HostLibraries(installed: installed)
      for entry in fetched { libraries.insert(entry.description) }
      var passed: [(index: Int, statement: SignedStatement, description: GpkgDescription)] = []
      for entry in fetched {
        let problems = GpkgCheck.problems(
          of: entry.description, against: builds[entry.index].facts,
          statement: entry.statement.statement, host: host, libraries: libraries)
        if problems.isEmpty {
          passed.append(entry)
        } else {
          try await reject(&builds[entry.index], entry.statement, problems.map(\.description))
        }
      }
      if passed.count == fetched.count { break }
      fetched = passed
    }
    for entry in fetched { builds[entry.index].isListed = true }
  }

  private func describe(_ path: String, _ root: ContentRoot) async throws -> GpkgDescription {
    if let known = descriptions[root] { return known }
    let description = try await Blocking.run { try GpkgInspector.inspect(path: path) }
    descriptions.keep(description, of: root)
    return description
  }

  /// Counts the mismatch against the issuer: it signed what is not so.
  private func reject(
    _ build: inout PlannedBuild, _ statement: SignedStatement, _ problems: [String]
  ) async throws {
    let text = problems.joined(separator: "; ")
    build.isListed = false
    build.verdict = build.verdict.without(statement, because: .mismatch(text))
    logger.warning(
      "build refused",
      metadata: [
        "package": "\(build.facts.cpv)", "issuer": "\(statement.issuer)", "reason": "\(text)",
      ])
    try await catalog.countFault(
      of: statement.issuer.bytes, reason: "\(build.facts.cpv): \(text)", now: WallClock.now)
  }
}
