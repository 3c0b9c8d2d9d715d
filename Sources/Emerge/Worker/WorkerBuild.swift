public import Builder
public import Trust

/// Builds one leased request with real Portage in a root and a sandbox of its own.
public struct WorkerBuild: Sendable {
  private let settings: WorkerSettings
  private let host: HostFacts

  /// A builder on this host.
  public init(_ settings: WorkerSettings, host: HostFacts) {
    self.settings = settings
    self.host = host
  }

  /// Builds the request and hands the gpkg's path and what was built to `deliver`; lines go to `log`
  /// as they come.
  ///
  /// Throws `WorkerFailure`, or what `deliver` throws. Everything is removed afterwards, also after
  /// cancellation, which kills the build.
  public func run(
    _ request: BuildRequest, log: @escaping @Sendable (String) async -> Void,
    deliver: (String, FinishedBuild) async throws -> Void
  ) async throws {
    let name = "\(request.fingerprint)".prefix(16)
    let directory = BuildDirectory(path: "\(settings.work)/job-\(name)")
    try directory.remove()
    do {
      let (path, built) = try await build(request, in: directory, log)
      try await deliver(path, built)
    } catch {
      // The failure is what the caller should hear about; the next build removes the rest.
      try? directory.remove()
      throw error
    }
    try directory.remove()
  }

  private func build(
    _ request: BuildRequest, in directory: BuildDirectory,
    _ log: @escaping @Sendable (String) async -> Void
  ) async throws -> (path: String, built: FinishedBuild) {
    let configuration = BuildConfiguration(request)
    let sandbox = BuildSandbox(
      settings: settings, host: host, directory: directory.path,
      interpreter: await BuildSandbox.interpreterPlaces(settings))
    try await directory.prepare(
      template: settings.template, configuration: host.configRoot + "/etc/portage", configuration)
    func emerge(
      _ phase: String, _ words: [String], _ network: BuildSandbox.Network = .none
    ) async throws {
      let command = sandbox.command(["emerge"] + words, network: network)
      try await run(phase, command, log)
    }
    let dependencies = ["--oneshot", "--buildpkg=n"] + settings.dependencyOptions
    let atoms = configuration.bound + [configuration.atom]
    try await emerge("fetch", ["--fetchonly", "--oneshot", "--with-bdeps=y"] + atoms, .fetching)
    if !configuration.bound.isEmpty {
      try await emerge("merging bound dependencies", dependencies + configuration.bound)
    }
    try await emerge(
      "merging dependencies", dependencies + ["--onlydeps", "--with-bdeps=y", configuration.atom])
    try await emerge(
      "building", ["--oneshot", "--buildpkgonly", "--usepkg=n", configuration.atom])
    let packages = directory.packages
    guard packages.count == 1, let path = packages.first else {
      throw WorkerFailure.packages(packages.count)
    }
    return (path, try await describe(path, request, sandbox))
  }

  private func run(
    _ phase: String, _ command: [String], _ log: @escaping @Sendable (String) async -> Void
  ) async throws {
    await log("larder: \(phase)")
    let status: ExitStatus
    do {
      status = try await ChildProcess(command: command, keptVariables: BuildSandbox.keptVariables)
        .follow(within: settings.timeout) { await log($0) }
    } catch ChildProcess.Failure.notStarted(let reason) {
      throw WorkerFailure.trouble(reason)
    } catch ChildProcess.Failure.timedOut(let time) {
      throw WorkerFailure.tookTooLong(time)
    }
    guard status.isSuccess else { throw WorkerFailure.phase(phase, status) }
  }

  /// What was built, by what Portage says of it; a difference from what was asked is told here, with
  /// names.
  private func describe(
    _ path: String, _ request: BuildRequest, _ sandbox: BuildSandbox
  ) async throws -> FinishedBuild {
    var helper = PortageHelper.Settings(program: settings.helper)
    helper.prefix = sandbox.command([])
    let report: HelperReport
    do {
      report = try await PortageHelper(helper).describe([path])
    } catch let failure as PortageHelper.Failure {
      throw WorkerFailure.trouble(failure.description)
    }
    guard let built = report.packages.first else { throw WorkerFailure.packages(0) }
    do {
      return try FinishedBuild(built, of: request)
    } catch {
      throw WorkerFailure.differs(error.reasons)
    }
  }
}
