import FoundationEssentials

/// The files of one build: a copy of the template, the generated configuration, what comes out.
struct BuildDirectory: Sendable {
  let path: String

  /// Makes it from the template root and the host's configuration.
  func prepare(
    template: String, configuration etc: String, _ generated: BuildConfiguration
  ) async throws {
    do {
      for place in BuildSandbox.places {
        try FileManager.default.createDirectory(
          atPath: "\(path)/\(place)", withIntermediateDirectories: true)
      }
      try await copy(template, to: path + "/root")
      try await copy(etc, to: path + "/etc/portage")
      for (name, text) in generated.files { try write(text, name) }
      try append(Self.ownSettings, to: path + "/etc/portage/make.conf")
    } catch let failure as WorkerFailure {
      throw failure
    } catch {
      throw WorkerFailure.trouble("can't prepare \(path): \(error)")
    }
  }

  /// Removes it with everything in it. A killed build may still write for a moment: so up to
  /// three tries. Works in a cancelled task too.
  func remove() throws(WorkerFailure) {
    for attempt in 1...3 {
      guard FileManager.default.fileExists(atPath: path) else { return }
      do {
        try FileManager.default.removeItem(atPath: path)
        return
      } catch {
        if attempt == 3 { throw .trouble("can't remove \(path): \(error)") }
      }
    }
  }

  /// The paths of the packages that were built.
  var packages: [String] {
    let directory = path + "/binpkgs"
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: directory)) ?? []
    return names.filter { $0.hasSuffix(".gpkg.tar") }.map { directory + "/" + $0 }
  }

  private static let ownSettings = """

    FEATURES="${FEATURES} -sandbox -usersandbox -network-sandbox -pid-sandbox -ipc-sandbox"
    FEATURES="${FEATURES} -mount-sandbox -userpriv -userfetch -binpkg-signing"
    FEATURES="${FEATURES} -binpkg-request-signature"

    """

  /// Writes a file of `etc/portage`; where the configuration has a file instead of a directory
  /// (`package.use`), the text is appended to that.
  private func write(_ text: String, _ name: String) throws {
    let etc = path + "/etc/portage/"
    let parent = etc + (name.split(separator: "/").first ?? "")
    if try kind(parent) == .typeRegular { return try append("\n" + text, to: parent) }
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(filePath: etc + name))
  }

  private func append(_ text: String, to file: String) throws {
    let target = try kind(file) == .typeDirectory ? file + "/zz-larder" : file
    var content = (try? Data(contentsOf: URL(filePath: target))) ?? Data()
    content.append(contentsOf: Array(text.utf8))
    try content.write(to: URL(filePath: target))
  }

  private func kind(_ file: String) throws -> FileAttributeType? {
    guard FileManager.default.fileExists(atPath: file) else { return nil }
    return try FileManager.default.attributesOfItem(atPath: file)[.type] as? FileAttributeType
  }

  /// Copies a directory's contents with owners, modes and links; copy-on-write where possible.
  private func copy(_ source: String, to target: String) async throws {
    let command = ["cp", "-a", "--reflink=auto", "--", source + "/.", target]
    do {
      let captured = try await ChildProcess(command: command)
        .capture(limit: 1 << 20, within: .seconds(1_800))
      guard captured.status.isSuccess else {
        throw WorkerFailure.trouble(captured.errors.last ?? "cp failed")
      }
    } catch ChildProcess.Failure.notStarted(let reason) {
      throw WorkerFailure.trouble(reason)
    } catch let failure as ChildProcess.Failure {
      throw WorkerFailure.trouble("cp: \(failure)")
    }
  }
}
