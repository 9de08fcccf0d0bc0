#include "mentor/models/vit_layer.h"

#include "mentor/nn/parameters.h"

#include <ATen/ATen.h>

#include <cmath>
#include <memory>
#include <string>
#include <string_view>

// N pictures or texts, S tokens, H width, A attention heads, K head width

namespace mentor {
namespace {

using torch::nn::Module;

/// The module `path` leads to, "attention.output", made where it is missing.
Module& module_at(Module& root, std::string_view path) {
  if (path.empty()) return root;
  const size_t dot = path.find('.');
  const std::string name(path.substr(0, dot));
  std::shared_ptr<Module> child;
  if (const auto children = root.named_children(); children.contains(name)) {
    child = children[name];
  } else {
    child = root.register_module(name, std::make_shared<Module>(name));
  }
  return module_at(*child, dot == std::string_view::npos ? "" : path.substr(dot + 1));
}

struct Place {
  Module& parent;
  std::string name;
};

Place place_of(Module& root, std::string_view path) {
  const size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return {root, std::string(path)};
  return {module_at(root, path.substr(0, dot)), std::string(path.substr(dot + 1))};
}

template <class Holder>
Holder register_at(Module& root, std::string_view path, Holder module) {
  const Place place = place_of(root, path);
  return place.parent.register_module(place.name, std::move(module));
}

at::Tensor register_scale(Module& root, const char* path, int64_t width) {
  if (path == nullptr) return {};
  const Place place = place_of(root, path);
  return place.parent.register_parameter(place.name, shape_only({width}));
}

at::Tensor quick_gelu(at::Tensor x) {
  if (at::GradMode::is_enabled()) return x * at::sigmoid(x * 1.702);
  return x.mul_(at::mul(x, 1.702).sigmoid_());
}

at::Tensor activate(at::Tensor x, Activation activation) {
  if (activation == Activation::kQuickGelu) return quick_gelu(std::move(x));
  return at::GradMode::is_enabled() ? at::gelu(x) : at::gelu_(x);
}

/// q, k, v [N, A, S, K]. The backward pass of LibTorch's fused attention on a CPU costs more than
/// the products at the few tokens of a picture.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool causal) {
  if (!at::GradMode::is_enabled() || !q.is_cpu() || causal) {
    return at::scaled_dot_product_attention(q, k, v, {}, /*dropout_p=*/0, causal);
  }
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  return at::matmul(at::softmax(at::matmul(q * scale, k.mT()), -1), v);
}

at::Tensor scaled(at::Tensor x, const at::Tensor& scale) { return scale.defined() ? x * scale : x; }

}  // namespace

at::Tensor add_update(at::Tensor x, const at::Tensor& update) {
  return at::GradMode::is_enabled() ? x + update : x.add_(update);
}

VitLayerImpl::VitLayerImpl(const VitLayerOptions& options)
    : num_heads_(options.num_heads), activation_(options.activation), causal_(options.causal) {
  const VitLayerNames& names = options.names;
  const int64_t width = options.width;
  const auto projection = [&](const char* name) {
    return register_at(*this, name, Linear(width, width, true));
  };
  const auto norm = [&](const char* name) {
    return register_at(*this, name, LayerNorm(width, options.norm_eps));
  };
  key_ = projection(names.key);
  value_ = projection(names.value);
  query_ = projection(names.query);
  output_ = projection(names.output);
  attention_norm_ = norm(names.attention_norm);
  attention_scale_ = register_scale(*this, names.attention_scale, width);
  fc1_ = register_at(*this, names.fc1, Linear(width, options.mlp_width, true));
  fc2_ = register_at(*this, names.fc2, Linear(options.mlp_width, width, true));
  mlp_norm_ = norm(names.mlp_norm);
  mlp_scale_ = register_scale(*this, names.mlp_scale, width);
}

at::Tensor VitLayerImpl::forward(at::Tensor x_NSH) const {
  x_NSH = add_update(x_NSH, scaled(attend(attention_norm_->forward(x_NSH)), attention_scale_));
  const at::Tensor hidden = activate(fc1_->forward(mlp_norm_->forward(x_NSH)), activation_);
  return add_update(x_NSH, scaled(fc2_->forward(hidden), mlp_scale_));
}

at::Tensor VitLayerImpl::attend(const at::Tensor& x_NSH) const {
  const auto heads = [&](const Linear& projection) {
    return projection->forward(x_NSH).unflatten(2, {num_heads_, -1}).transpose(1, 2);
  };
  const at::Tensor mixed_NASK = attention(heads(query_), heads(key_), heads(value_), causal_);
  return output_->forward(mixed_NASK.transpose(1, 2).flatten(2));
}

}  // namespace mentor
