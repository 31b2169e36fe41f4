import Browser
import HTTP
import S3
import SystemPackage

/// Everything Pail was told, resolved: what holds, where it came from, and what it overruled.
///
/// Resolving never fails. What is missing or wrong stands in ``problems``, so that `pail doctor` can
/// show all of it; ``Session`` refuses to open while there is one.
struct Settings: Sendable {
  /// nil when what was given is no endpoint; `problems` then says so.
  var endpoint: Endpoint?
  var region: Region
  /// Whether nobody has said so: neither a setting nor the endpoint.
  var isRegionAssumed = false
  /// How to come by the keys; nil when no source has any, and `problems` then says so.
  var credentials: CredentialRecipe?
  /// The profile that the keys come from; nil when they come from elsewhere.
  var profile: String?
  /// `~/.aws`, where the AWS CLI keeps what it was lent; nil without a home folder.
  var awsFolder: String?
  /// The Security Token Service, when not at the usual place.
  var tokenService: Endpoint?
  /// What is wrong should the instance metadata service, the only source left, have no keys.
  var problemWithoutMetadata: SetupProblem?
  /// Whether the endpoint is known to have but the basic requests.
  var isBasic = false
  /// How long to go on trying when nothing gets through; nil for the usual time.
  var retryFor: Duration?
  /// How long no byte may move; nil for the usual time.
  var stallTimeout: Duration?
  var caBundle: FilePath?
  var proxies = ProxySettings.none
  /// Where downloads go: `PATH_TO_SAVE_FILE`, else the current directory.
  var saveFolder: FilePath
  /// The name to record; nil for the login name.
  var user: String?
  /// nil when there is no home folder and nothing was named; changes are then refused.
  var historyPath: FilePath?
  /// Whether somebody has named it.
  var isHistoryNamed = false
  /// Where the Pails of one user find each other; nil when there is no home folder.
  var runFolder: FilePath?
  /// Where unfinished transfers are kept; nil when there is no home folder.
  var journalPath: FilePath?
  /// Where the places at which profiles were left are kept; nil when there is no home folder.
  var placesPath: FilePath?
  /// nil when there is no home folder.
  var bookmarksPath: FilePath?
  var isReadOnly: Bool
  /// That of the profile in use, from `config.toml`.
  var colour: ProfileColour?
  /// Of the shared AWS files.
  var profileNames: [String] = []
  /// What the command line says, for a switch to begin with.
  var endpointFlag: String?
  var regionFlag: String?
  var wantsColour: Bool

  /// Set while keys from one place would meet an endpoint that merely lay in the current directory.
  var endpointQuestion: EndpointQuestion?
  /// One row for each setting, for `pail doctor`.
  var findings: [Finding]
  /// What the user should know although work goes on, such as a line of `.env` that is none.
  var notices: [String]
  var problems: [SetupProblem]

  /// One setting with its origin. Secrets are masked when this is made.
  struct Finding: Sendable, Hashable {
    var name: String
    var value: String
    var origin: String
    /// Each as `NAME in PLACE (value)`, strongest first.
    var overruled: [String] = []
  }

  /// Keys would be sent to a place that their owner did not name.
  struct EndpointQuestion: Sendable, Hashable {
    /// Such as `https://storage.example`, without user information.
    var endpoint: String
    /// Where the endpoint stands.
    var endpointOrigin: String
    /// Where the keys come from.
    var keysOrigin: String
  }
}
