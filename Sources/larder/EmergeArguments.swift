import ArgumentParser
import Node

/// The words behind `larder plan|emerge|fetch|request`: Larder's own options and emerge's.
///
/// emerge has options of its own that may stand anywhere, so these commands take all words as they
/// are and pick out what is Larder's, up to a `--`; what stands behind that is emerge's.
struct EmergeArguments {
  /// An option of Larder's without a value.
  enum Option: String, CaseIterable {
    /// Print the plan as JSON.
    case json
    /// Have the cloud tier build what no peer has.
    case build
    /// Show the builds until they are fetched.
    case wait
    /// Return at once.
    case background
  }

  /// What emerge gets.
  private(set) var emerge: [String] = []
  /// The value of `--root`.
  private(set) var root: String?
  private var options: Set<Option> = []

  /// Sorts the words of a command that knows `known` options; an unknown word is emerge's.
  ///
  /// Where emerge itself runs, `--root` could mean Larder's or Portage's: it is refused.
  init(
    _ words: [String], for command: any ParsableCommand.Type, known: Set<Option>,
    takesRoot: Bool = true
  ) throws {
    var rest = words[...]
    while let word = rest.popFirst() {
      if !takesRoot, word == "--root" || word.hasPrefix("--root=") {
        throw ValidationError(
          "'--root' could mean Larder's root or Portage's: set LARDER_ROOT for Larder's; packages "
            + "for another root than / are installed with emerge itself")
      }
      switch word {
      case "--":
        emerge += rest
        rest = []
      case "--root":
        guard let value = rest.popFirst() else {
          throw ValidationError("'--root' needs a directory, e.g. --root /srv/larder")
        }
        root = value
      case "-h", "--help": throw CleanExit.helpRequest(command)
      default:
        if word.hasPrefix("--root=") {
          root = String(word.dropFirst("--root=".count))
        } else if word.hasPrefix("--"), let option = Option(rawValue: String(word.dropFirst(2))) {
          guard known.contains(option) else {
            throw ValidationError("'\(word)' is no option of 'larder \(command._commandName)'")
          }
          options.insert(option)
        } else {
          emerge.append(word)
        }
      }
    }
    guard !emerge.isEmpty else {
      throw ValidationError("name what to install, e.g. app-misc/hello or -uDN @world")
    }
  }

  /// Whether an option was given.
  func has(_ option: Option) -> Bool {
    options.contains(option)
  }

  /// The paths of the node that is meant.
  var paths: Paths { Paths(root: root ?? Program.environment("LARDER_ROOT") ?? "") }

  /// The client of its daemon.
  var control: ControlClient { ControlClient(path: paths.controlSocket) }
}
